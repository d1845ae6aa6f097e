/*
 * activeDeadlineSeconds: from startTime on, over all attempts. Time of suspension does not count, and time in
 * a queue neither, which may hold workers back for days.
 */
#include "core/planner.h"

#include "base/banned.h"

bool plan_deadline(struct planner *p)
{
    int64_t seconds = p->j->spec.active_deadline_seconds;
    if (seconds == 0 || p->next.start_time_us == 0 || p->j->status.phase == PHASE_QUEUED)
        return false;
    int64_t at_us = p->next.start_time_us + seconds * SECOND_US;
    if (at_us > p->w->now_us) {
        planner_wake(p, at_us, "the job's deadline");
        return false;
    }
    const struct verdict v = verdict_make(
        p->a, NULL, REASON_DeadlineExceeded,
        "The job did not end within activeDeadlineSeconds (%lld) of its start, and attempt %d was stopped",
        (long long)seconds, (int)p->next.attempt);
    plan_fail(p, v.reason, v.message);
    return true;
}

void plan_leave_queue(struct planner *p)
{
    bool is_let_go = p->j->status.phase == PHASE_QUEUED && p->next.phase != PHASE_QUEUED;
    if (is_let_go && p->next.start_time_us != 0 && !status_is_failed(&p->next))
        p->next.start_time_us = planner_now(p);
}
