/* The two ends of a job. */
#include "core/planner.h"

#include "core/render.h"
#include "core/report.h"

#include "base/banned.h"

void plan_end_failed(struct planner *p, const char *reason, const char *message, int32_t grace_seconds)
{
    planner_say(p, PHASE_FAILED, reason, "%s", message);
    p->next.finish_time_us = planner_now(p);
    plan_stop_workers(p, grace_seconds, "the job has failed");
}

/*
 * The write of this status is what commits the output: whoever reads status.output
 * sees either nothing or the one that counts.
 */
void plan_end_succeeded(struct planner *p)
{
    struct report r;
    if (report_of_pod(p->gang.workers[COORDINATOR_INDEX], p->a, &r))
        p->next.output = r.output;
    p->next.finish_time_us = planner_now(p);
    if (*p->next.output.uri)
        planner_say(p, PHASE_SUCCEEDED, REASON_Completed,
                    "All %d workers of attempt %d succeeded; the output is at %s, encrypted. Fetch it with "
                    "'kubectl cloister fetch %s -n %s'.",
                    (int)p->gang.replicas, (int)p->gang.attempt, p->next.output.uri, p->j->name,
                    p->j->namespace);
    else
        planner_say(p, PHASE_SUCCEEDED, REASON_Completed, "All %d workers of attempt %d succeeded.",
                    (int)p->gang.replicas, (int)p->gang.attempt);
}
