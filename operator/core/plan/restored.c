/*
 * What attempts restored, and the way back from a checkpoint that they cannot go on from. When two attempts
 * in a row that restored the same newest checkpoint fail by the program itself and commit no newer one, the
 * next attempt restores what was committed before that checkpoint. Failures of other classes say nothing
 * about a checkpoint: they neither count nor end the row.
 */
#include "core/plan/planner_int.h"

#include <string.h>

#include "api/names.h"
#include "core/model/report_facts.h"

#include "base/banned.h"

/* How many attempts in a row a checkpoint may fail. */
enum { RESTORED_FAILURES_MAX = 2 };

static const struct pod_facts *coordinator(const struct planner *p)
{
    return p->gang.workers[COORDINATOR_INDEX];
}

static bool is_same(const struct restored_ref *a, const struct restored_ref *b)
{
    return lineage_compare(a->at, b->at) == 0 && strcmp(a->name, b->name) == 0;
}

/* About worker 0 of that attempt, so that each attempt has an event of its own. */
static void add_event(struct planner *p, int32_t attempt, const char *type, const char *reason,
                      const char *note)
{
    char pod[NAME_SIZE];
    name_pod(p->j->name, COORDINATOR_INDEX, attempt, pod);
    planner_add_pod_event(p, type, reason, arena_strdup(p->a, pod), note);
}

/* Worker 0's agent has restored, or has found that there is nothing to restore. */
static bool read_restored(const struct planner *p, struct restored_ref *ret)
{
    struct report r;
    const struct report_facts *post;
    if (coordinator(p) == NULL)
        return false;
    if (report_of_pod(coordinator(p), p->a, &r)) {
        *ret = r.restored;
        return r.stage >= STAGE_RUNNING;
    }
    post = report_facts_of_pod(p->w, coordinator(p));
    if (post == NULL)
        return false;
    *ret = post->restored;
    return post->stage >= STAGE_RUNNING;
}

void plan_note_restored(struct planner *p)
{
    struct restored_ref now;
    struct status_restored *known = &p->next.restored;
    if (known->by_attempt == p->gang.attempt || !read_restored(p, &now))
        return;
    bool is_in_row = *now.name != '\0' && is_same(&now, &known->checkpoint);
    *known = (struct status_restored){.checkpoint = now,
                                      .by_attempt = *now.name != '\0' ? p->gang.attempt : 0,
                                      .failures = is_in_row ? known->failures : 0};
    if (*now.name == '\0')
        return;
    const struct status_passed_over *passed = &p->next.passed_over;
    bool is_way_back = passed->range.until_attempt == p->gang.attempt;
    add_event(p, p->gang.attempt, "Normal", REASON_CheckpointRestored,
              arena_printf(p->a, "Attempt %d restored checkpoint %s%s%s%s.", (int)p->gang.attempt, now.name,
                           is_way_back ? " and passed over " : "", is_way_back ? passed->name : "",
                           is_way_back ? ", which is newer" : ""));
}

/* Reports are newer than the status. */
static bool has_committed(const struct planner *p)
{
    struct report r;
    int32_t attempt = p->gang.attempt;
    if (p->next.checkpoint.at.attempt == attempt)
        return true;
    if (coordinator(p) == NULL)
        return false;
    if (report_of_pod(coordinator(p), p->a, &r) && r.checkpoint.at.attempt == attempt)
        return true;
    const struct report_facts *post = report_facts_of_pod(p->w, coordinator(p));
    return post != NULL && post->checkpoint.at.attempt == attempt;
}

static bool was_failed_by_program(const struct planner *p)
{
    const struct job_status *s = &p->next;
    const struct status_failure *last = s->failure_count > 0 ? &s->failures[s->failure_count - 1] : NULL;
    return last != NULL && last->attempt == s->attempt &&
           strcmp(last->failure_class, failure_class_name(CLASS_Application)) == 0;
}

bool plan_pass_over(struct planner *p)
{
    struct status_restored *restored = &p->next.restored;
    plan_note_restored(p);
    if (has_committed(p)) {
        restored->failures = 0;
        return false;
    }
    if (restored->by_attempt != p->gang.attempt || restored->by_attempt == 0 || !was_failed_by_program(p) ||
        ++restored->failures < RESTORED_FAILURES_MAX)
        return false;
    p->next.passed_over = (struct status_passed_over){
        .name = restored->checkpoint.name,
        .range = {.at = restored->checkpoint.at, .until_attempt = p->gang.attempt + 1}};
    restored->failures = 0;
    return true;
}

void plan_report_passed_over(struct planner *p)
{
    add_event(p, p->next.passed_over.range.until_attempt - 1, "Warning", REASON_CheckpointPassedOver,
              arena_printf(
                  p->a,
                  "Two attempts in a row restored checkpoint %s and failed by the program itself without "
                  "committing a newer one. Attempt %d restores what was committed before it, if anything; %s "
                  "stays in the bucket. To go on, find out from the log of the container trainer why the "
                  "program cannot continue from it.",
                  p->next.passed_over.name, (int)p->next.attempt, p->next.passed_over.name));
}
