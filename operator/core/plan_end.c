/* The two ends of a job. */
#include "core/planner.h"

#include <string.h>

#include "core/render.h"
#include "core/report.h"

#include "base/banned.h"

/* Keys and data must be out of a wrong machine's memory soon; 0 would not wait for it at all. */
#define SECURITY_GRACE_SECONDS 1

static bool is_security_failure(const struct job_status *s)
{
    return s->failure_count > 0 &&
           strcmp(s->failures[s->failure_count - 1].class, err_class_name(CLASS_Security)) == 0;
}

static void stop_workers(struct planner *p, const char *why)
{
    plan_stop_workers(p, is_security_failure(&p->next) ? SECURITY_GRACE_SECONDS : -1, why);
}

void plan_fail(struct planner *p, const char *reason, const char *message)
{
    stop_workers(p, "the job has failed");
    const struct pod_facts *alive = gang_first_alive(&p->gang);
    if (alive) {
        p->failing_message = message;
        planner_say(p, PHASE_FAILING, reason, "The job has failed, and has ended when %s: %s",
                    plan_wait_for_end(p, alive), message);
        return;
    }
    planner_say(p, PHASE_FAILED, reason, "%s", message);
    p->next.finish_time_us = planner_now(p);
}

void plan_go_on_failing(struct planner *p)
{
    const struct status_condition *target = status_condition(&p->j->status, "FailureTarget");
    plan_fail(p, p->j->status.reason, target ? target->message : p->j->status.message);
}

void plan_clean_up(struct planner *p)
{
    stop_workers(p, "the job has ended");
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
