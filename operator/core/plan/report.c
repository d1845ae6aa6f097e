/*
 * What agents report, in status: stage, progress and newest checkpoint. This file only describes; a report
 * that ends an attempt is found in core/verdict.
 */
#include "api/progress_json.h"
#include "core/plan/planner_int.h"

#include <string.h>

#include "base/rfc3339.h"
#include "core/model/report_facts.h"

#include "base/banned.h"

/* Progress and checkpoints alone do not cause status writes more often than this. */
#define REFRESH_US (10 * SECOND_US)

/* A job may have hundreds of workers. */
#define WARNINGS_MAX ((size_t)1000)

/* ---- stages ---- */

static const struct report_facts *posted(const struct planner *p, int32_t index)
{
    return p->gang.workers[index] != NULL ? report_facts_of_pod(p->w, p->gang.workers[index]) : NULL;
}

static bool has_trained(const struct planner *p, int32_t index)
{
    const struct pod_facts *pod = p->gang.workers[index];
    const struct report_facts *post = posted(p, index);
    if (pod->phase == POD_SUCCEEDED ||
        (pod->trainer.state == CONTAINER_TERMINATED && pod->trainer.exit_code == 0))
        return true;
    return post != NULL && post->exit_code == 0 && post->stage >= STAGE_PUBLISHING;
}

bool plan_is_publishing(const struct planner *p)
{
    /* Programs that have all exited do not run again in the same attempt. */
    if (p->j->status.phase == PHASE_PUBLISHING && p->j->status.attempt == p->gang.attempt)
        return true;
    for (int32_t i = 0; i < p->gang.replicas; i++)
        if (!has_trained(p, i))
            return false;
    return *p->j->spec.output_uri != '\0';
}

const char *plan_slowest_stage(const struct planner *p)
{
    enum report_stage slowest = STAGE_RUNNING;
    for (int32_t i = 0; i < p->gang.replicas; i++) {
        const struct report_facts *post = posted(p, i);
        if (post != NULL && post->stage != STAGE_NONE && post->stage < slowest)
            slowest = post->stage;
    }
    return slowest < STAGE_RUNNING ? report_stage_name(slowest) : "";
}

/* ---- warnings ---- */

static const char *warning_of(const struct planner *p, int32_t index)
{
    const struct pod_facts *pod = p->gang.workers[index];
    const struct report_facts *post = posted(p, index);
    struct report r;
    if (pod != NULL && report_of_pod(pod, p->a, &r))
        return r.warning;
    return post != NULL ? post->warning : "";
}

const char *plan_warnings(const struct planner *p)
{
    const char *all = "";
    for (int32_t i = 0; i < p->gang.replicas && strlen(all) < WARNINGS_MAX; i++) {
        const char *warning = warning_of(p, i);
        if (*warning != '\0')
            all = arena_printf(p->a, "%s Warning of %s: %s", all,
                               verdict_worker_text(p->a, p->gang.workers[i]), warning);
    }
    return all;
}

/* ---- progress and checkpoints ---- */

/* last_us: when it was written last. Every phase transition is written with the newest progress. */
static bool may_refresh(struct planner *p, int64_t last_us)
{
    const struct job_status *before = &p->j->status;
    int64_t age_us = p->w->now_us - last_us;
    bool is_transition = p->next.phase != before->phase || p->next.attempt != before->attempt;
    if (last_us == 0 || is_transition || age_us < 0 || age_us >= REFRESH_US)
        return true;
    planner_wake_at(p, last_us + REFRESH_US, "next write of progress");
    return false;
}

/* The newest progress of a worker. The termination message is newer than anything that the agent posted. */
static bool read_progress(const struct planner *p, int32_t index, struct status_progress *ret)
{
    const struct pod_facts *pod = p->gang.workers[index];
    const struct report_facts *post = posted(p, index);
    struct report r;
    if (pod != NULL && report_of_pod(pod, p->a, &r))
        return progress_decode(r.progress, p->a, ret);
    json_t *tree = post != NULL && *post->progress != '\0' ? json_loads(post->progress, 0, NULL) : NULL;
    bool is_known = progress_decode(tree, p->a, ret);
    json_decref(tree);
    return is_known;
}

/* Worker 0 reports for the job; another worker where worker 0 has reported nothing. */
static void describe_progress(struct planner *p)
{
    struct status_progress progress;
    int32_t i = 0;
    while (i < p->gang.replicas && !read_progress(p, i, &progress))
        i++;
    if (i == p->gang.replicas || progress_equal(&progress, &p->next.progress) ||
        !may_refresh(p, p->next.progress.updated_us))
        return;
    progress.updated_us = planner_now_us(p);
    p->next.progress = progress;
}

/* By lineage: a number in a name is the program's, and may go back. Agents of an earlier release report no
 * sequence. */
static bool is_newer(const struct checkpoint_ref *a, const struct checkpoint_ref *b)
{
    if (*a->uri == '\0' || *b->uri == '\0')
        return *a->uri != '\0';
    int by_lineage = lineage_compare(a->at, b->at);
    if (by_lineage != 0)
        return by_lineage > 0;
    int by_time = strcmp(a->time, b->time);
    return by_time != 0 ? by_time > 0 : strcmp(a->uri, b->uri) > 0;
}

static void take_final_report(struct planner *p, const struct pod_facts *pod)
{
    struct report r;
    if (pod != NULL && report_of_pod(pod, p->a, &r) && is_newer(&r.checkpoint, &p->next.checkpoint))
        p->next.checkpoint = r.checkpoint;
}

static int64_t time_of(const struct checkpoint_ref *c)
{
    int64_t us = 0;
    return rfc3339_parse(view_from(c->time), &us) == 0 ? us : 0;
}

static void take_posted_checkpoint(struct planner *p)
{
    const struct checkpoint_ref *newest = &p->next.checkpoint;
    for (int32_t i = 0; i < p->gang.replicas; i++) {
        const struct report_facts *post = posted(p, i);
        if (post != NULL && is_newer(&post->checkpoint, newest))
            newest = &post->checkpoint;
    }
    if (newest == &p->next.checkpoint || !may_refresh(p, time_of(&p->next.checkpoint)))
        return;
    p->next.checkpoint = *newest;
    planner_add_event(
        p, "Normal", REASON_CheckpointCommitted,
        arena_printf(p->a, "Committed checkpoint %s, encrypted: %s", newest->name, newest->uri));
}

/* It only moves forward. Failed attempts count, too: their agents report a checkpoint when they end. */
static void describe_checkpoint(struct planner *p)
{
    for (size_t i = 0; i < p->gang.other_count; i++)
        take_final_report(p, p->gang.others[i]);
    for (int32_t i = 0; i < p->gang.replicas; i++)
        take_final_report(p, p->gang.workers[i]);
    take_posted_checkpoint(p);
}

void plan_apply_reports(struct planner *p)
{
    describe_progress(p);
    plan_note_restored(p);
    describe_checkpoint(p);
}
