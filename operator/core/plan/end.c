/* How a job ends, and what is cleaned up afterwards. */
#include "core/plan/planner_int.h"

#include <string.h>

#include "api/names.h"
#include "core/model/report_facts.h"

#include "base/banned.h"

/* Keys and data must leave the memory of a wrong machine soon; 0 would not even wait for the kubelet. */
#define SECURITY_GRACE_SECONDS 1

static bool is_security_failure(const struct job_status *s)
{
    return s->failure_count > 0 &&
           strcmp(s->failures[s->failure_count - 1].failure_class, failure_class_name(CLASS_Security)) == 0;
}

/* cleanPodPolicy None lets people inspect running pods; after a security failure nobody may. */
static bool keeps_workers(const struct planner *p)
{
    return p->j->spec.clean_pods == CLEAN_PODS_NONE && !is_security_failure(&p->next);
}

static void stop_workers(struct planner *p, const char *why)
{
    plan_stop_workers(p, is_security_failure(&p->next) ? SECURITY_GRACE_SECONDS : -1, why);
}

void plan_fail(struct planner *p, const char *reason, const char *message)
{
    const struct pod_facts *alive = NULL;
    plan_end_group(p);
    if (!keeps_workers(p)) {
        stop_workers(p, "job failed");
        alive = plan_awaited_worker(p);
    }
    if (alive != NULL) {
        p->failing_message = text_clip(p->a, message, MESSAGE_MAX);
        planner_set_phase(p, PHASE_FAILING, reason, "The job has failed: %s %s", message,
                          text_capitalize(p->a, plan_wait_text(p, alive, "")));
        return;
    }
    planner_set_phase(p, PHASE_FAILED, reason, "%s", message);
    p->next.finish_time_us = planner_now_us(p);
}

void plan_continue_failing(struct planner *p)
{
    const struct status_condition *target = status_condition(&p->j->status, "FailureTarget");
    const char *reason = p->j->status.reason;
    plan_fail(p, *reason != '\0' ? reason : "Unknown",
              target != NULL ? target->message : p->j->status.message);
}

static bool is_ttl_over(struct planner *p)
{
    int64_t finished_us = p->j->status.finish_time_us;
    if (p->j->spec.ttl_seconds < 0 || finished_us == 0)
        return false;
    int64_t at_us = finished_us + p->j->spec.ttl_seconds * SECOND_US;
    if (at_us <= p->w->now_us)
        return true;
    planner_wake_at(p, at_us, "end of ttlSecondsAfterFinished");
    return false;
}

static void remove_child(struct planner *p, enum action_kind kind, const struct child_facts *child)
{
    if (child != NULL && strcmp(child->owner_uid, p->j->uid) == 0 && !child->is_deleting)
        planner_add_action(p, (struct action){.kind = kind,
                                              .why = "ttlSecondsAfterFinished elapsed",
                                              .name = child->name,
                                              .uid = child->uid});
}

/*
 * The job itself stays: a GitOps tool would create it again, and it would run again. The policy is deleted
 * only once no worker is left that it restricts.
 */
static void remove_children(struct planner *p)
{
    stop_workers(p, "ttlSecondsAfterFinished elapsed");
    plan_remove_ended_workers(p, "ttlSecondsAfterFinished elapsed");
    remove_child(p, ACTION_DELETE_SERVICE, p->w->service);
    if (gang_first_alive(&p->gang) == NULL)
        remove_child(p, ACTION_DELETE_POLICY, p->w->policy);
}

void plan_clean_up(struct planner *p)
{
    if (p->j->status.phase == PHASE_FAILED)
        plan_end_group(p);
    if (is_ttl_over(p)) {
        remove_children(p);
        return;
    }
    if (p->j->status.phase == PHASE_SUCCEEDED || !keeps_workers(p))
        stop_workers(p, "job finished");
    if (p->j->spec.clean_pods == CLEAN_PODS_ALL)
        plan_remove_ended_workers(p, "cleanPodPolicy All");
}

/*
 * Writing this status commits the output: a reader of status.output sees either nothing or the output of the
 * attempt that counts.
 */
void plan_succeed(struct planner *p)
{
    struct report r;
    const char *warnings = plan_warnings(p);
    plan_stop_old_workers(p);
    if (report_of_pod(p->gang.workers[COORDINATOR_INDEX], p->a, &r))
        p->next.output = r.output;
    p->next.finish_time_us = planner_now_us(p);
    if (*p->next.output.uri != '\0')
        planner_set_phase(
            p, PHASE_SUCCEEDED, REASON_Completed,
            "All workers of attempt %d succeeded; the output is at %s, encrypted. Fetch it with "
            "'kubectl cloister fetch %s -n %s'.%s",
            (int)p->gang.attempt, p->next.output.uri, p->j->name, p->j->ns, warnings);
    else
        planner_set_phase(p, PHASE_SUCCEEDED, REASON_Completed, "All workers of attempt %d succeeded.%s",
                          (int)p->gang.attempt, warnings);
    if (*warnings != '\0')
        planner_add_event(p, "Warning", REASON_WorkerWarning, warnings + 1);
}
