/* Starting attempts. The number of an attempt is in status before its pods exist. */
#include "core/plan/planner_int.h"

#include <string.h>

#include "base/alloc.h"
#include "core/render/worker_assignment.h"

#include "base/banned.h"

/* Measured on the longest assignment that any attempt and worker of this job can get. */
static bool is_assignment_too_large(struct planner *p)
{
    char *text CLEANUP(cleanup_free) =
        render_assignment(p->j, p->w->config,
                          &(struct worker){.attempt = INT32_MAX,
                                           .index = p->j->spec.replicas - 1,
                                           .passed_over = {{INT64_MAX, INT64_MAX}, INT32_MAX},
                                           .group = ""});
    size_t size = strlen(text);
    if (size <= ASSIGNMENT_BYTES_MAX)
        return false;
    const struct verdict v =
        verdict_make(p->a, NULL, REASON_PlanTooLarge,
                     "the assignment of each worker (keys and inputs) takes %zu bytes, more "
                     "than %zu",
                     size, ASSIGNMENT_BYTES_MAX);
    plan_fail(p, v.reason, v.message);
    return true;
}

void plan_start(struct planner *p)
{
    int32_t before = p->next.attempt;
    if (is_assignment_too_large(p))
        return;
    const struct status_restored restored = p->next.restored;
    const struct status_passed_over passed_over = p->next.passed_over;
    enum technology t = plan_next_technology(p);
    bool is_passed_over = plan_pass_over(p);
    planner_set_attempt(p, before + 1);
    size_t actions = p->count;
    p->technology = t;
    (void)plan_create_children(p);
    if (p->count == actions) {
        /* Nothing may be created now, so the attempt has not started. */
        planner_set_attempt(p, before);
        p->next.restored = restored;
        p->next.passed_over = passed_over;
        return;
    }
    if (is_passed_over)
        plan_report_passed_over(p);
    p->next.requested_technology = technology_name(t);
    if (p->next.start_time_us == 0)
        p->next.start_time_us = planner_now_us(p);
}

/* NULL when the attempt has not failed but was suspended. */
static const struct status_failure *failure_of_attempt(const struct planner *p)
{
    const struct job_status *s = &p->next;
    const struct status_failure *last = s->failure_count > 0 ? &s->failures[s->failure_count - 1] : NULL;
    return last != NULL && last->attempt == s->attempt ? last : NULL;
}

/* `next`: what has to happen before the next attempt starts; a sentence. */
static void report_waiting(struct planner *p, const char *reason, const char *next)
{
    const struct status_failure *failure = failure_of_attempt(p);
    const char *sentence = text_capitalize(p->a, next);
    if (failure != NULL)
        planner_set_phase(p, PHASE_RESTARTING, reason, "Attempt %d failed: %s %s", (int)p->next.attempt,
                          failure->message, sentence);
    else
        planner_set_phase(p, PHASE_PENDING, reason, "The job was resumed. %s", sentence);
}

static void report_backoff(struct planner *p, int next)
{
    report_waiting(
        p, REASON_BackingOff,
        arena_printf(p->a, "attempt %d starts at %s.", next, text_time(p->a, p->next.backoff_until_us)));
    planner_wake_at(p, p->next.backoff_until_us, "end of the backoff");
}

void plan_restart(struct planner *p)
{
    plan_stop_workers(p, -1, "attempt over");
    const struct pod_facts *alive = plan_awaited_worker(p);
    bool is_leaving = plan_leave_group(p);
    int next = (int)p->next.attempt + 1;
    if (alive != NULL)
        report_waiting(p, REASON_WaitingForOldWorkers,
                       plan_wait_text(p, alive, arena_printf(p->a, " before attempt %d starts", next)));
    else if (p->next.backoff_until_us > p->w->now_us)
        report_backoff(p, next);
    else if (is_leaving)
        report_waiting(
            p, REASON_WaitingForOldWorkers,
            arena_printf(p->a, "waiting for the pod group to end before attempt %d starts.", next));
    else
        plan_start(p);
}
