/* From one attempt to the next. The number is in status before any pod carries it. */
#include "core/plan/planner_int.h"

#include <string.h>

#include "base/alloc.h"
#include "base/rfc3339.h"
#include "core/render/assignment.h"

#include "base/banned.h"

/* The longest that any attempt and worker of this job can get. */
static bool is_plan_too_large(struct planner *p)
{
    char *text CLEANUP(cleanup_free) =
        render_agent_plan(p->j, p->w->config, INT32_MAX, p->j->spec.replicas - 1);
    size_t size = strlen(text);
    if (size <= AGENT_PLAN_BYTES_MAX)
        return false;
    const struct verdict v = verdict_make(p->a, NULL, REASON_PlanTooLarge,
                                          "keys and inputs make a plan of %zu bytes for each worker, more "
                                          "than %zu",
                                          size, AGENT_PLAN_BYTES_MAX);
    plan_fail(p, v.reason, v.message);
    return true;
}

void plan_start(struct planner *p)
{
    int32_t before = p->next.attempt;
    if (is_plan_too_large(p))
        return;
    enum technology t = plan_next_technology(p);
    planner_set_attempt(p, before + 1);
    size_t actions = p->count;
    p->technology = t;
    (void)plan_create_children(p);
    if (p->count == actions) {
        /* Nothing may be created: the attempt has not begun. */
        planner_set_attempt(p, before);
        return;
    }
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

/* `when` stands behind "the next attempt starts". */
static void report_waiting(struct planner *p, const char *reason, const char *when)
{
    const struct status_failure *failure = failure_of_attempt(p);
    if (failure != NULL)
        planner_set_phase(p, PHASE_RESTARTING, reason, "Attempt %d failed and the next one starts %s: %s",
                          (int)p->next.attempt, when, failure->message);
    else
        planner_set_phase(p, PHASE_PENDING, reason, "The job was resumed and attempt %d starts %s.",
                          (int)p->next.attempt + 1, when);
}

static void back_off(struct planner *p)
{
    char time[RFC3339_SIZE];
    rfc3339_format_seconds(p->next.backoff_until_us, time);
    report_waiting(p, REASON_BackingOff, arena_printf(p->a, "at %s", time));
    planner_wake_at(p, p->next.backoff_until_us, "the pause before the next attempt is over");
}

void plan_restart(struct planner *p)
{
    plan_stop_workers(p, -1, "its attempt is over");
    const struct pod_facts *alive = plan_awaited_worker(p);
    bool is_leaving = plan_leave_group(p);
    if (alive != NULL)
        report_waiting(p, REASON_WaitingForOldWorkers,
                       arena_printf(p->a, "when %s", plan_wait_text(p, alive)));
    else if (p->next.backoff_until_us > p->w->now_us)
        back_off(p);
    else if (is_leaving)
        report_waiting(p, REASON_WaitingForOldWorkers, "when its pod group has ended");
    else
        plan_start(p);
}
