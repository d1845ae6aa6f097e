/* Workers that are to go, and those that do not go. */
#include "core/planner.h"

#include "base/banned.h"

static void delete_pod(struct planner *p, const struct pod_facts *pod, int32_t grace_seconds, const char *why)
{
    planner_add(p, (struct action){.kind = ACTION_DELETE_POD,
                                   .why = why,
                                   .name = pod->name,
                                   .uid = pod->uid,
                                   .grace_seconds = grace_seconds});
}

static void stop(struct planner *p, const struct pod_facts *pod, int32_t grace_seconds, const char *why)
{
    if (pod && !pod_is_terminal(pod) && !pod->is_deleting)
        delete_pod(p, pod, grace_seconds, why);
}

/* Ended pods stay: their logs are what people look for. */
void plan_stop_workers(struct planner *p, int32_t grace_seconds, const char *why)
{
    for (size_t i = 0; i < p->gang.other_count; i++)
        stop(p, p->gang.others[i], grace_seconds, why);
    for (int32_t i = 0; i < p->gang.replicas; i++)
        stop(p, p->gang.workers[i], grace_seconds, why);
}

/* A create that came late, from an operator that has died or is not the only one, may be of an attempt that
 * is over. */
void plan_stop_old_workers(struct planner *p)
{
    for (size_t i = 0; i < p->gang.other_count; i++)
        if (p->gang.others[i]->attempt < p->gang.attempt)
            stop(p, p->gang.others[i], -1, "its attempt is over");
}

/* Ended pods of attempts that status.failures no longer lists would pile up for ever. */
void plan_sweep(struct planner *p)
{
    for (size_t i = 0; i < p->gang.other_count; i++) {
        const struct pod_facts *pod = p->gang.others[i];
        if (pod_is_terminal(pod) && !pod->is_deleting && pod->attempt < p->next.attempt - FAILURES_MAX)
            delete_pod(p, pod, -1, "an old attempt's pod");
    }
}

const char *plan_wait_for_end(struct planner *p, const struct pod_facts *pod)
{
    const struct node_facts *node = world_node(p->w, pod->node);
    bool is_silent = pod_is_bound(pod) && (!node || !node->is_ready);
    return arena_printf(p->a, "%s has ended%s", verdict_where(p->a, pod),
                        is_silent ? " (its node does not answer: make sure that the machine is off, then "
                                    "delete the Node object)"
                                  : "");
}
