/* Stopping workers, and workers that do not stop. */
#include "core/plan/planner_int.h"

#include <string.h>

#include "base/banned.h"

/* Names of nodes in one message, in bytes. */
#define NODES_TEXT_MAX ((size_t)2048)

static void delete_pod(struct planner *p, const struct pod_facts *pod, int32_t grace_seconds, const char *why)
{
    planner_add_action(p, (struct action){.kind = ACTION_DELETE_POD,
                                          .why = why,
                                          .name = pod->name,
                                          .uid = pod->uid,
                                          .grace_seconds = grace_seconds});
}

/* ---- stuck pods ---- */

/* When a pod that does not stop is force-deleted; 0 = never. */
static int64_t force_time(const struct planner *p, const struct pod_facts *pod)
{
    int64_t seconds = p->j->spec.failure_policy.termination_timeout_seconds;
    return pod->deletion_us == 0 || pod->is_forced || seconds == 0 ? 0
                                                                   : pod->deletion_us + seconds * SECOND_US;
}

static bool must_force(const struct planner *p, const struct pod_facts *pod)
{
    int64_t at_us = force_time(p, pod);
    return pod_is_alive(pod) && at_us != 0 && at_us <= p->w->now_us;
}

static void wait_or_force(struct planner *p, const struct pod_facts *pod)
{
    int64_t at_us = force_time(p, pod);
    if (must_force(p, pod))
        delete_pod(p, pod, 0, "termination timeout exceeded");
    else if (pod->deletion_us > p->w->now_us)
        planner_wake_at(p, pod->deletion_us, "end of a worker's grace period");
    else if (at_us != 0)
        planner_wake_at(p, at_us, "termination timeout of a worker");
}

/* ---- which pods to stop ---- */

static void stop(struct planner *p, const struct pod_facts *pod, int32_t grace_seconds, const char *why)
{
    if (pod == NULL || !pod_is_alive(pod))
        return;
    if (pod->is_deleting)
        wait_or_force(p, pod);
    else
        delete_pod(p, pod, grace_seconds, why);
}

/* Terminated pods stay, for their logs. */
void plan_stop_workers(struct planner *p, int32_t grace_seconds, const char *why)
{
    for (size_t i = 0; i < p->gang.other_count; i++)
        stop(p, p->gang.others[i], grace_seconds, why);
    for (int32_t i = 0; i < p->gang.replicas; i++)
        stop(p, p->gang.workers[i], grace_seconds, why);
}

static void remove_ended(struct planner *p, const struct pod_facts *pod, const char *why)
{
    if (pod != NULL && pod_is_terminal(pod) && !pod->is_deleting)
        delete_pod(p, pod, -1, why);
}

void plan_remove_ended_workers(struct planner *p, const char *why)
{
    for (size_t i = 0; i < p->gang.other_count; i++)
        remove_ended(p, p->gang.others[i], why);
    for (int32_t i = 0; i < p->gang.replicas; i++)
        remove_ended(p, p->gang.workers[i], why);
}

/* A pod of an earlier attempt can appear late: its create was in flight when the operator that sent it died
 * or lost the lead. */
void plan_stop_old_workers(struct planner *p)
{
    for (size_t i = 0; i < p->gang.other_count; i++)
        if (p->gang.others[i]->attempt < p->gang.attempt)
            stop(p, p->gang.others[i], -1, "attempt over");
}

void plan_remove_old_pods(struct planner *p)
{
    for (size_t i = 0; i < p->gang.other_count; i++)
        if (p->gang.others[i]->attempt < p->next.attempt - FAILURES_MAX)
            remove_ended(p, p->gang.others[i], "attempt no longer listed in status.failures");
}

/* ---- what is waited for ---- */

/* A worker that is force-deleted now is the most important one to report; else the first. */
const struct pod_facts *plan_awaited_worker(const struct planner *p)
{
    for (size_t i = 0; i < p->gang.other_count; i++)
        if (must_force(p, p->gang.others[i]))
            return p->gang.others[i];
    for (int32_t i = 0; i < p->gang.replicas; i++)
        if (p->gang.workers[i] != NULL && must_force(p, p->gang.workers[i]))
            return p->gang.workers[i];
    return gang_first_alive(&p->gang);
}

/* Names, each once. */
struct names {
    const char **list;
    size_t count;
};

static void add_node_if_forced(const struct planner *p, const struct pod_facts *pod, struct names *nodes)
{
    if (pod == NULL || !must_force(p, pod))
        return;
    for (size_t i = 0; i < nodes->count; i++)
        if (strcmp(nodes->list[i], pod->node) == 0)
            return;
    nodes->list[nodes->count++] = pod->node;
}

/* The workers of a lost rack are force-deleted in one run, and each of their nodes may still hold keys. */
static struct names nodes_of_forced(const struct planner *p)
{
    size_t most = p->gang.other_count + (size_t)p->gang.replicas + 1;
    struct names nodes = {.list = arena_calloc(p->a, most, sizeof(*nodes.list))};
    for (size_t i = 0; i < p->gang.other_count; i++)
        add_node_if_forced(p, p->gang.others[i], &nodes);
    for (int32_t i = 0; i < p->gang.replicas; i++)
        add_node_if_forced(p, p->gang.workers[i], &nodes);
    return nodes;
}

static const char *force_text(const struct planner *p, const struct pod_facts *pod)
{
    struct names nodes = nodes_of_forced(p);
    bool is_one = nodes.count == 1;
    return arena_printf(
        p->a,
        "force-deleting pod %s: it did not stop by %s. %s %s may still be running %s with the "
        "job's keys; make sure the %s off.",
        pod->name, text_time(p->a, pod->deletion_us), is_one ? "Node" : "Nodes",
        text_list(p->a, nodes.list, nodes.count, NODES_TEXT_MAX), is_one ? "it" : "workers",
        is_one ? "machine is" : "machines are");
}

/* Of a pod whose grace period is over: what keeps it, and what happens next. */
static const char *delay_text(const struct planner *p, const struct pod_facts *pod)
{
    const char *due = text_time(p->a, pod->deletion_us);
    if (pod->is_forced)
        return arena_printf(p->a,
                            ": its finalizers keep the pod. To see them, run: kubectl get pod %s -n %s -o "
                            "jsonpath={.metadata.finalizers}",
                            pod->name, pod->ns);
    if (force_time(p, pod) != 0)
        return arena_printf(p->a, "; its grace period ended at %s, it will be force-deleted at %s.", due,
                            text_time(p->a, force_time(p, pod)));
    return arena_printf(p->a,
                        "; its grace period ended at %s, and terminationTimeoutSeconds is 0. To go on, make "
                        "sure that node %s is off, then run: kubectl delete pod %s -n %s --force",
                        due, pod->node, pod->name, pod->ns);
}

const char *plan_wait_text(struct planner *p, const struct pod_facts *pod, const char *before)
{
    const char *worker = verdict_worker_text(p->a, pod);
    if (must_force(p, pod)) {
        p->forced = pod;
        return force_text(p, pod);
    }
    if (pod->deletion_us != 0 && pod->deletion_us <= p->w->now_us)
        return arena_printf(p->a, "waiting for %s to stop%s%s", worker, before, delay_text(p, pod));
    const struct node_facts *node = world_node(p->w, pod->node);
    bool is_ready = !pod_is_bound(pod) || (node != NULL && node->is_ready);
    return arena_printf(p->a, "waiting for %s to stop%s%s", worker, before,
                        is_ready ? "."
                                 : ": its node is not ready. To go on, make sure that the machine is off, "
                                   "then delete the Node object.");
}

/* Once: together with the first status whose message says so. */
void plan_report_forced_deletion(struct planner *p)
{
    if (p->forced != NULL && strcmp(p->next.message, p->j->status.message) != 0)
        planner_add_pod_event(p, "Warning", REASON_ForcedDeletion, p->forced->name,
                              text_capitalize(p->a, force_text(p, p->forced)));
}
