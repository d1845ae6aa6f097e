/*
 * Suspension, as in batch/v1: the workers are deleted, and their keys with them. The attempt ends without a
 * failure; its startTime is cleared until the next attempt starts, after resumption.
 */
#include "core/plan/planner_int.h"

#include "base/banned.h"

void plan_suspend(struct planner *p)
{
    plan_stop_workers(p, -1, "job suspended");
    plan_end_group(p);
    p->next.start_time_us = 0;
    const struct pod_facts *alive = plan_awaited_worker(p);
    if (alive != NULL)
        planner_set_phase(p, PHASE_SUSPENDED, REASON_JobSuspended, "Suspending: %s",
                          plan_wait_text(p, alive, ""));
    else
        planner_set_phase(
            p, PHASE_SUSPENDED, REASON_JobSuspended,
            "The job is suspended; no worker is running. To resume it, run: kubectl patch tjob %s "
            "-n %s --type=merge -p '{\"spec\":{\"suspend\":false}}'",
            p->j->name, p->j->ns);
}

void plan_report_resumption(struct planner *p)
{
    if (p->j->status.phase == PHASE_SUSPENDED && !p->j->spec.suspend && !status_is_failed(&p->next))
        planner_add_event(p, "Normal", REASON_JobResumed, p->next.message);
}
