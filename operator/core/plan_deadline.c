/* activeDeadlineSeconds: from startTime on, over all attempts; time of suspension does not count. */
#include "core/planner.h"

#include "base/banned.h"

bool plan_deadline(struct planner *p)
{
    int64_t seconds = p->j->spec.active_deadline_seconds;
    if (seconds == 0 || p->next.start_time_us == 0)
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
