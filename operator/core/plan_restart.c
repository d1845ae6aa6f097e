/* From one attempt to the next. The number is in status before any pod carries it. */
#include "core/planner.h"

#include <string.h>

#include "base/alloc.h"
#include "base/rfc3339.h"
#include "core/render.h"

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
    plan_end_failed(p, v.reason, v.message, -1);
    return true;
}

void plan_start(struct planner *p)
{
    int32_t before = p->next.attempt;
    if (is_plan_too_large(p))
        return;
    planner_turn_to(p, before + 1);
    size_t actions = p->count;
    (void)plan_children(p);
    if (p->count == actions) {
        /* Nothing may be created: the attempt has not begun. */
        planner_turn_to(p, before);
        return;
    }
    if (p->next.start_time_us == 0)
        p->next.start_time_us = planner_now(p);
}

static const struct status_failure *last_failure(const struct planner *p)
{
    return &p->next.failures[p->next.failure_count - 1];
}

static void say_backing_off(struct planner *p)
{
    char time[RFC3339_SIZE];
    rfc3339_format_seconds(p->next.backoff_until_us, time);
    planner_say(p, PHASE_RESTARTING, REASON_BackingOff, "Attempt %d failed and the next one starts at %s: %s",
                (int)p->next.attempt, time, last_failure(p)->message);
    planner_wake(p, p->next.backoff_until_us, "the pause before the next attempt is over");
}

static void say_waiting(struct planner *p, const struct pod_facts *alive)
{
    const struct node_facts *node = world_node(p->w, alive->node);
    bool is_lost = *alive->node && (!node || !node->is_ready);
    planner_say(p, PHASE_RESTARTING, REASON_WaitingForOldWorkers,
                "Attempt %d failed and the next one starts when %s has ended%s: %s", (int)p->next.attempt,
                verdict_where(p->a, alive),
                is_lost ? " (its node does not answer: make sure that the machine is off, then delete the "
                          "Node object)"
                        : "",
                last_failure(p)->message);
}

void plan_restart(struct planner *p)
{
    plan_stop_workers(p, -1, "its attempt has failed");
    const struct pod_facts *alive = gang_first_alive(&p->gang);
    if (alive)
        say_waiting(p, alive);
    else if (p->next.backoff_until_us > p->w->now_us)
        say_backing_off(p);
    else
        plan_start(p);
}
