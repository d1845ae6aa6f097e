/* The parts of the status that describe the world: counts, nodes, completed indexes, conditions. */
#include "core/plan/planner_int.h"

#include <stdlib.h>
#include <string.h>

#include "api/indexes.h"

#include "base/banned.h"

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The nodes of the attempt's workers, sorted, each once. */
static void describe_nodes(struct planner *p)
{
    const char **names = arena_calloc(p->a, (size_t)p->gang.replicas + 1, sizeof(*names));
    size_t n = 0;
    p->next.technology = "";
    for (int32_t i = 0; i < p->gang.replicas; i++) {
        const struct pod_facts *pod = p->gang.workers[i];
        if (pod == NULL || !pod_is_bound(pod))
            continue;
        names[n++] = pod->node;
        const struct node_facts *node = world_node(p->w, pod->node);
        if (node != NULL && strcmp(node->technology, technology_name(pod->technology)) == 0)
            p->next.technology = node->technology;
    }
    qsort(names, n, sizeof(*names), by_name);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || strcmp(names[kept - 1], names[i]) != 0)
            names[kept++] = names[i];
    p->next.nodes = names;
    p->next.node_count = kept;
}

/* Workers that have succeeded and whose pods may go. */
static void describe_completed(struct planner *p)
{
    bool *is_completed = arena_calloc(p->a, (size_t)p->gang.replicas + 1, sizeof(*is_completed));
    for (int32_t i = 0; i < p->gang.replicas; i++) {
        const struct pod_facts *pod = p->gang.workers[i];
        struct verdict unused;
        int64_t recheck_us = 0;
        is_completed[i] = pod != NULL && pod->phase == POD_SUCCEEDED &&
                          worker_success_outlives_pod(p->j, i) &&
                          (pod_is_remembered(pod) || !verdict_of_pod(p->w, pod, p->a, &unused, &recheck_us));
    }
    p->next.workers.completed_indexes = indexes_text(is_completed, p->gang.replicas, p->a);
}

/* The caller adds conditions in alphabetical order. A condition whose status does not change keeps its time.
 */
static void add_condition(struct planner *p, const char *type, bool is_true, const char *reason,
                          const char *message)
{
    const char *word = is_true ? "True" : "False";
    const struct status_condition *old = status_condition(&p->j->status, type);
    /* Where workers of another attempt ran says nothing about these. */
    bool is_other_attempt = strcmp(type, "NodesReady") == 0 && p->next.attempt != p->j->status.attempt;
    bool is_same = old != NULL && strcmp(old->status, word) == 0 && !is_other_attempt;
    p->next.conditions[p->next.condition_count++] = (struct status_condition){
        .type = type,
        .status = word,
        .reason = reason,
        .message = message,
        .transition_us = is_same ? old->transition_us : planner_now_us(p),
        .observed_generation = p->j->generation,
    };
}

static bool is_reason(const struct planner *p, const char *reason)
{
    return strcmp(p->next.reason, reason) == 0;
}

/* Another technology will be tried by itself. */
static bool falls_back(const struct job *j)
{
    return j->spec.fallback_after_seconds > 0 && j->spec.technology_count > 1 && *job_queue(j) == '\0';
}

/* Whether a person must act before the job can go on; a full cluster may get room by itself. */
static bool is_stalled(const struct planner *p)
{
    return p->next.phase == PHASE_FAILED || is_reason(p, REASON_NamespaceNotConfidential) ||
           is_reason(p, REASON_WorkerTrafficNotEncrypted) || is_reason(p, REASON_CreateRefused) ||
           is_reason(p, REASON_FlavorMismatch) ||
           (is_reason(p, REASON_WaitingForConfidentialNodes) && !falls_back(p->j) && !p->may_scale_up);
}

/* Whether the job is on its way to the state that its spec asks for: to running, or to its end. */
static bool is_moving(const struct planner *p)
{
    enum job_phase phase = p->next.phase;
    return !status_is_finished(&p->next) && phase != PHASE_RUNNING && phase != PHASE_PUBLISHING &&
           phase != PHASE_SUSPENDED && !is_stalled(p);
}

/* A node that is not in the cache yet is not called confidential; a wrong node has failed the job already.
 * The node of a worker that has terminated may be gone. */
static bool all_placed(const struct planner *p)
{
    for (int32_t i = 0; i < p->gang.replicas; i++) {
        const struct pod_facts *pod = p->gang.workers[i];
        if (pod == NULL || (!pod_is_terminal(pod) && world_node(p->w, pod->node) == NULL))
            return false;
    }
    return true;
}

static void add_worker_conditions(struct planner *p)
{
    bool is_ready = p->next.phase == PHASE_RUNNING &&
                    p->next.workers.ready + p->next.workers.succeeded == p->gang.replicas;
    add_condition(p, "WorkersReady", is_ready, p->next.reason,
                  is_ready ? "The programs of all workers are running." : p->next.message);
}

static void describe_conditions(struct planner *p)
{
    const char *reason = p->next.reason;
    const char *message = p->next.message;
    enum job_phase phase = p->next.phase;
    bool is_begun = p->next.attempt > 0 && !status_is_suspended(&p->next) && !status_is_finished(&p->next);
    p->next.condition_count = 0;
    if (phase == PHASE_SUCCEEDED)
        add_condition(p, "Complete", true, reason, message);
    if (phase == PHASE_FAILED)
        add_condition(p, "Failed", true, reason, message);
    if (phase == PHASE_FAILING)
        add_condition(p, "FailureTarget", true, reason, p->failing_message);
    if (is_begun && phase != PHASE_RESTARTING && phase != PHASE_FAILING && phase != PHASE_QUEUED)
        add_condition(p, "NodesReady", all_placed(p), reason,
                      all_placed(p) ? "All workers are on confidential nodes." : message);
    if (is_moving(p))
        add_condition(p, "Reconciling", true, reason, message);
    if (is_stalled(p))
        add_condition(p, "Stalled", true, reason, message);
    if (phase == PHASE_SUSPENDED)
        add_condition(p, "Suspended", true, reason, message);
    if (is_begun)
        add_worker_conditions(p);
}

void plan_update_status(struct planner *p)
{
    p->next.workers = gang_count(&p->gang, p->a);
    describe_completed(p);
    describe_nodes(p);
    plan_apply_reports(p);
    describe_conditions(p);
}
