/* Workers that are to go, and those that do not go. */
#include "core/plan/planner_int.h"

#include <string.h>

#include "base/rfc3339.h"
#include "base/strbuf.h"

#include "base/banned.h"

/* Names of nodes in one message. */
#define NODES_TEXT_MAX ((size_t)2048)

/* Said of a pod whose deletion is forced, and how a later pass knows that it was said. */
static const char forced_words[] = "is deleted by force, for it did not end by";

static void delete_pod(struct planner *p, const struct pod_facts *pod, int32_t grace_seconds, const char *why)
{
    planner_add_action(p, (struct action){.kind = ACTION_DELETE_POD,
                                          .why = why,
                                          .name = pod->name,
                                          .uid = pod->uid,
                                          .grace_seconds = grace_seconds});
}

/* ---- stuck ---- */

/* When a pod that does not go is deleted by force; 0 = never. */
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
        delete_pod(p, pod, 0, "it is stuck in deletion");
    else if (pod->deletion_us > p->w->now_us)
        planner_wake_at(p, pod->deletion_us, "the grace period of a worker is over");
    else if (at_us != 0)
        planner_wake_at(p, at_us, "a worker that is stuck in deletion is deleted by force");
}

/* ---- whom to stop ---- */

static void stop(struct planner *p, const struct pod_facts *pod, int32_t grace_seconds, const char *why)
{
    if (pod == NULL || !pod_is_alive(pod))
        return;
    if (pod->is_deleting)
        wait_or_force(p, pod);
    else
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

/* A create that came late, from an operator that has died or is not the only one, may be of an attempt that
 * is over. */
void plan_stop_old_workers(struct planner *p)
{
    for (size_t i = 0; i < p->gang.other_count; i++)
        if (p->gang.others[i]->attempt < p->gang.attempt)
            stop(p, p->gang.others[i], -1, "its attempt is over");
}

/* Ended pods of attempts that status.failures no longer lists would pile up for ever. */
void plan_remove_old_pods(struct planner *p)
{
    for (size_t i = 0; i < p->gang.other_count; i++)
        if (p->gang.others[i]->attempt < p->next.attempt - FAILURES_MAX)
            remove_ended(p, p->gang.others[i], "an old attempt's pod");
}

/* ---- what is waited for ---- */

/* One that is deleted by force just now is what people must hear of; else the first. */
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

static const char *time_text(const struct planner *p, int64_t us)
{
    char time[RFC3339_SIZE];
    rfc3339_format_seconds(us, time);
    return arena_strdup(p->a, time);
}

static bool is_listed(const struct strbuf *list, const char *name)
{
    struct view rest = strbuf_view(list);
    while (rest.len > 0)
        if (view_equal_text(view_trim(view_cut(rest, ',', &rest)), name))
            return true;
    return false;
}

static void list_forced(const struct planner *p, const struct pod_facts *pod, struct strbuf *list)
{
    if (pod != NULL && must_force(p, pod) && !is_listed(list, pod->node))
        strbuf_addf(list, "%s%s", list->len > 0 ? ", " : "", pod->node);
}

/* Workers of a lost rack are deleted in one pass, and each of its machines matters. */
static const char *forced_text(const struct planner *p, const char *due)
{
    struct strbuf nodes CLEANUP(strbuf_fini) = STRBUF(NODES_TEXT_MAX);
    for (size_t i = 0; i < p->gang.other_count; i++)
        list_forced(p, p->gang.others[i], &nodes);
    for (int32_t i = 0; i < p->gang.replicas; i++)
        list_forced(p, p->gang.workers[i], &nodes);
    bool is_many = strchr(strbuf_text(&nodes), ',') != NULL;
    return arena_printf(p->a, "it %s %s; %s %s%s may still run %s and hold the job's keys until the %s off",
                        forced_words, due, is_many ? "nodes" : "node", strbuf_text(&nodes),
                        strbuf_overflowed(&nodes) ? " and others" : "", is_many ? "workers" : "it",
                        is_many ? "machines are" : "machine is");
}

/* Of a pod whose grace period is over: what keeps it, and what will happen. */
static const char *stuck_text(const struct planner *p, const struct pod_facts *pod)
{
    const char *due = time_text(p, pod->deletion_us);
    if (pod->is_forced)
        return arena_printf(p->a,
                            "finalizers keep the pod; see which: kubectl get pod %s -n %s -o "
                            "jsonpath={.metadata.finalizers}",
                            pod->name, pod->ns);
    if (must_force(p, pod))
        return forced_text(p, due);
    if (force_time(p, pod) != 0)
        return arena_printf(p->a, "it should have by %s and is deleted by force at %s", due,
                            time_text(p, force_time(p, pod)));
    return arena_printf(p->a,
                        "it should have by %s, and terminationTimeoutSeconds is 0: make sure that node %s is "
                        "off, then run: kubectl delete pod %s -n %s --force",
                        due, pod->node, pod->name, pod->ns);
}

const char *plan_wait_text(struct planner *p, const struct pod_facts *pod)
{
    const char *where = verdict_worker_text(p->a, pod);
    if (pod->deletion_us != 0 && pod->deletion_us <= p->w->now_us)
        return arena_printf(p->a, "%s has ended (%s)", where, stuck_text(p, pod));
    const struct node_facts *node = world_node(p->w, pod->node);
    bool is_silent = pod_is_bound(pod) && (node == NULL || !node->is_ready);
    return arena_printf(p->a, "%s has ended%s", where,
                        is_silent ? " (its node does not answer: make sure that the machine is off, then "
                                    "delete the Node object)"
                                  : "");
}

/* Told with the turn of the message that says so, and therefore once. */
void plan_report_forced_deletion(struct planner *p)
{
    const struct pod_facts *pod = plan_awaited_worker(p);
    if (pod != NULL && must_force(p, pod) && strstr(p->next.message, forced_words) != NULL &&
        strcmp(p->next.message, p->j->status.message) != 0)
        planner_add_pod_event(
            p, "Warning", REASON_ForcedDeletion, pod->name,
            arena_printf(p->a, "%s does not end: %s.", verdict_worker_text(p->a, pod), stuck_text(p, pod)));
}
