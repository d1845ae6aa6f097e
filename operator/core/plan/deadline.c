/*
 * activeDeadlineSeconds, counted from startTime over all attempts. Time spent suspended or queued, which may
 * be days, does not count: startTime is moved on by it.
 */
#include "core/plan/planner_int.h"

#include "base/banned.h"

bool plan_enforce_deadline(struct planner *p)
{
    int64_t seconds = p->j->spec.active_deadline_seconds;
    if (seconds == 0 || p->next.start_time_us == 0 || p->j->status.phase == PHASE_QUEUED)
        return false;
    int64_t at_us = p->next.start_time_us + seconds * SECOND_US;
    if (at_us > p->w->now_us) {
        planner_wake_at(p, at_us, "job deadline");
        return false;
    }
    const struct verdict v = verdict_make(
        p->a, NULL, REASON_DeadlineExceeded,
        "The job did not finish within activeDeadlineSeconds (%lld) of its start; attempt %d was stopped",
        (long long)seconds, (int)p->next.attempt);
    plan_fail(p, v.reason, v.message);
    return true;
}

/* When the attempt that was queued began to wait; the job's start when its pods are gone. */
static int64_t queued_since(const struct planner *p)
{
    struct gang g;
    int64_t since_us = INT64_MAX;
    gang_init(&g, p->w, p->j->status.attempt, p->a);
    for (int32_t i = 0; i < g.replicas; i++) {
        const struct pod_facts *pod = g.workers[i] != NULL ? g.workers[i] : g.departed[i];
        if (pod != NULL && pod->created_us < since_us)
            since_us = pod->created_us;
    }
    return since_us == INT64_MAX || since_us < p->next.start_time_us ? p->next.start_time_us : since_us;
}

void plan_exclude_queued_time(struct planner *p)
{
    bool is_let_go = p->j->status.phase == PHASE_QUEUED && p->next.phase != PHASE_QUEUED;
    if (is_let_go && p->next.start_time_us != 0 && !status_is_failed(&p->next))
        p->next.start_time_us += planner_now_us(p) - queued_since(p);
}
