/* Reports the progress of an attempt that has not failed: what is missing, what is starting, what runs. */
#include "core/plan/planner_int.h"

#include <ctype.h>
#include <string.h>

#include "api/labels.h"
#include "api/reasons.h"
#include "base/rfc3339.h"
#include "core/verdict/start_failure.h"

#include "base/banned.h"

/* A worker whose first container has not started by then is reported. */
#define SLOW_START_US (120 * SECOND_US)
/* An autoscaler that has not added a node by then is assumed not to. */
#define SCALE_UP_US      (120 * SECOND_US)
#define SCALING_PAUSE_US (30 * SECOND_US)

/* The first worker, by index, for which `is` holds. */
static const struct pod_facts *first(const struct planner *p,
                                     bool (*is)(const struct planner *p, const struct pod_facts *pod))
{
    for (int32_t i = 0; i < p->gang.replicas; i++)
        if (is(p, p->gang.workers[i]))
            return p->gang.workers[i];
    return NULL;
}

static bool is_failed(const struct planner *p, const struct pod_facts *pod)
{
    (void)p;
    return pod->phase == POD_FAILED;
}

static bool is_unbound(const struct planner *p, const struct pod_facts *pod)
{
    (void)p;
    return !pod_is_bound(pod) && !pod_is_terminal(pod);
}

static bool is_unschedulable(const struct planner *p, const struct pod_facts *pod)
{
    return is_unbound(p, pod) && *pod->unschedulable_message != '\0';
}

static bool is_on_unready_node(const struct planner *p, const struct pod_facts *pod)
{
    if (!pod_is_bound(pod) || pod_is_terminal(pod))
        return false;
    const struct node_facts *node = world_node(p->w, pod->node);
    return node == NULL || !node->is_ready;
}

/* The program's container runs from the moment when the agent starts to stage inputs. */
static bool is_not_started(const struct planner *p, const struct pod_facts *pod)
{
    (void)p;
    return !pod_is_terminal(pod) && pod->trainer.state != CONTAINER_RUNNING &&
           pod->trainer.state != CONTAINER_TERMINATED;
}

static bool has_start_failure(const struct planner *p, const struct pod_facts *pod)
{
    struct start_failure unused[POD_CONTAINERS];
    (void)p;
    return !pod_is_terminal(pod) && start_failures_of_pod(pod, unused) > 0;
}

/* What the cluster autoscaler says about an unschedulable pod, asked for every SCALING_PAUSE_US; NULL =
 * nothing. */
static const struct scaling *ask_autoscaler(struct planner *p, const struct pod_facts *pod)
{
    const struct scaling *s = &p->w->scaling;
    bool is_known = strcmp(s->pod_uid, pod->uid) == 0;
    if (is_known && s->asked_us + SCALING_PAUSE_US > p->w->now_us)
        planner_wake_at(p, s->asked_us + SCALING_PAUSE_US, "next look at the autoscaler's events");
    else
        planner_add_action(p, (struct action){.kind = ACTION_ASK_AUTOSCALER,
                                              .why = "worker unschedulable",
                                              .name = pod->name,
                                              .uid = pod->uid});
    return is_known && s->word != SCALING_UNKNOWN ? s : NULL;
}

static void report_scaling_up(struct planner *p, const struct pod_facts *pod, const struct scaling *s)
{
    planner_set_phase(p, PHASE_PENDING, REASON_ScalingUp,
                      "No room yet for %s; the cluster autoscaler is adding a node: %s",
                      verdict_worker_text(p->a, pod), s->message);
}

/* Nodes of the technology that are Spot VMs, or not, as the job requests. */
static int32_t nodes_of_kind(const struct planner *p, enum technology t)
{
    int32_t all = p->w->confidential_nodes[t], spot = p->w->spot_nodes[t];
    switch (p->j->spec.spot) {
    case SPOT_NEVER: return all - spot;
    case SPOT_ONLY: return spot;
    case SPOT_PREFER: break;
    }
    return all;
}

/* gcloud accepts lower case only. */
static const char *gcloud_word(struct arena *a, const char *label)
{
    char *word = arena_strdup(a, label);
    for (char *c = word; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    return word;
}

/* Which nodes are missing, and who can add them. */
static void report_no_nodes(struct planner *p, enum technology t, const char *refusal)
{
    const struct job_spec *s = &p->j->spec;
    const char *label = technology_name(t);
    bool has_spot_only = s->spot == SPOT_NEVER && p->w->confidential_nodes[t] > 0;
    const char *kind = s->spot == SPOT_ONLY ? "Spot VM" : has_spot_only ? "on-demand node" : "node";
    const char *rule = s->spot == SPOT_ONLY ? " (confidential.spot is Only)"
                       : has_spot_only      ? " (confidential.spot is Never)"
                                            : "";
    const char *remedy =
        *s->compute_class != '\0'
            ? arena_printf(p->a,
                           "make sure that the ComputeClass creates such nodes (confidentialNodeType: %s): "
                           "kubectl get computeclass %s -o yaml",
                           label, s->compute_class)
            : arena_printf(p->a,
                           "add a node pool: gcloud container node-pools create NAME --cluster=CLUSTER "
                           "--machine-type=TYPE --confidential-node-type=%s%s",
                           gcloud_word(p->a, label), s->spot == SPOT_ONLY ? " --spot" : "");
    planner_set_phase(p, PHASE_PENDING, REASON_WaitingForConfidentialNodes,
                      "No %s has the label " LABEL_NODE_TECHNOLOGY
                      "=%s; workers run only on such nodes%s.%s To go on, %s",
                      kind, label, rule, refusal, remedy);
}

/* A node pool that was scaled to zero has no node either, so the job is not called stalled at once. */
static void wait_for_scale_up(struct planner *p, const struct pod_facts *pod)
{
    int64_t until_us = pod->created_us + SCALE_UP_US;
    p->may_scale_up = until_us > p->w->now_us;
    if (p->may_scale_up)
        planner_wake_at(p, until_us, "end of the time given to an autoscaler");
}

static int64_t slow_start_at(const struct pod_facts *pod)
{
    return (pod->started_us ? pod->started_us : pod->created_us) + SLOW_START_US;
}

/* Bound, but not even its first container has started: a volume is missing, or the network is not set up. */
static bool has_started_nothing(const struct planner *p, const struct pod_facts *pod)
{
    (void)p;
    return pod->phase == POD_PENDING && pod_is_bound(pod) &&
           (pod->install.state == CONTAINER_NONE || pod->install.state == CONTAINER_WAITING);
}

/* The kubelet reports the cause in events only. */
static bool report_slow_start(struct planner *p, enum job_phase phase)
{
    const struct pod_facts *pod = first(p, has_started_nothing);
    if (pod == NULL)
        return false;
    if (slow_start_at(pod) > p->w->now_us) {
        planner_wake_at(p, slow_start_at(pod), "late first container of a worker");
        return false;
    }
    planner_set_phase(
        p, phase, REASON_StartingContainers,
        "No container of %s has started within two minutes. To go on, look at its events: kubectl describe "
        "pod %s -n %s; a ConfigMap or Secret of trainer.volumes may be missing.",
        verdict_worker_text(p->a, pod), pod->name, pod->ns);
    return true;
}

/* There is no fallback to other nodes: the job waits and reports for which. */
static bool report_placement(struct planner *p)
{
    enum technology t = job_technology(p->j);
    const char *label = technology_name(t);
    const struct pod_facts *pod = first(p, is_unschedulable), *unbound = first(p, is_unbound);
    const struct scaling *s = pod != NULL ? ask_autoscaler(p, pod) : NULL;
    const char *refusal =
        s != NULL ? arena_printf(p->a, " The cluster autoscaler will not add a node: %s.", s->message) : "";
    if (s != NULL && s->word == SCALING_UP) {
        report_scaling_up(p, pod, s);
    } else if (unbound != NULL && nodes_of_kind(p, t) == 0) {
        report_no_nodes(p, t, refusal);
        wait_for_scale_up(p, unbound);
    } else if (pod != NULL) {
        planner_set_phase(
            p, PHASE_PENDING, REASON_Unschedulable,
            "No room for %s on the %s nodes with the label " LABEL_NODE_TECHNOLOGY
            "=%s: %s%s To go on, free capacity there, add nodes to the node pool, or lower the requests.",
            verdict_worker_text(p->a, pod), label, label, pod->unschedulable_message, refusal);
    }
    return unbound != NULL && (pod != NULL || nodes_of_kind(p, t) == 0);
}

static bool report_start_failure(struct planner *p, enum job_phase phase)
{
    const struct pod_facts *pod = first(p, has_start_failure);
    if (pod == NULL)
        return false;
    struct start_failure all[POD_CONTAINERS];
    (void)start_failures_of_pod(pod, all);
    const struct reason r = reason_of(all[0].reason);
    char until[RFC3339_SIZE];
    rfc3339_format_seconds(start_deadline_us(pod), until);
    planner_set_phase(p, phase, REASON_StartingContainers,
                      "Container %s of %s cannot start: %s: %s. To go on, %s; otherwise the %s fails at %s.",
                      all[0].container, verdict_worker_text(p->a, pod), r.word, all[0].detail, r.remedy,
                      r.retry == RETRY_NEVER ? "job" : "attempt", until);
    return true;
}

static bool report_node_not_ready(struct planner *p, enum job_phase phase)
{
    const struct pod_facts *pod = first(p, is_on_unready_node);
    if (pod == NULL)
        return false;
    planner_set_phase(
        p, phase, REASON_NodeNotReady,
        "Node %s of worker %d (pod %s) is not ready; a new attempt starts if it does not recover.", pod->node,
        (int)pod->index, pod->name);
    return true;
}

static enum job_phase phase_of(const struct planner *p, int32_t ready)
{
    if (plan_is_publishing(p))
        return PHASE_PUBLISHING;
    /* Readiness can flicker, for instance when an agent restarts; the programs keep running. */
    bool ran = p->j->status.phase == PHASE_RUNNING && p->j->status.attempt == p->gang.attempt;
    if (ran || ready == p->gang.replicas)
        return PHASE_RUNNING;
    return first(p, is_not_started) != NULL ? PHASE_STARTING : PHASE_STAGING;
}

static void report_phase(struct planner *p, enum job_phase phase, int32_t ready)
{
    int attempt = (int)p->gang.attempt;
    int all = (int)p->gang.replicas;
    const char *stage = plan_slowest_stage(p);
    if (phase == PHASE_PUBLISHING)
        planner_set_phase(
            p, phase, REASON_Publishing,
            "Attempt %d: the programs of all workers have exited; encrypting and publishing the output.",
            attempt);
    else if (phase == PHASE_RUNNING)
        planner_set_phase(p, phase, REASON_Training,
                          "Attempt %d: %d of %d workers are training on confidential nodes.%s", attempt,
                          (int)ready, all, plan_warnings(p));
    else if (phase == PHASE_STAGING)
        planner_set_phase(p, phase, REASON_Staging,
                          "Attempt %d: %d of %d workers have decrypted their keys and inputs%s%s.", attempt,
                          (int)ready, all, *stage != '\0' ? "; the slowest is at stage " : "", stage);
    else
        planner_set_phase(p, phase, REASON_StartingContainers,
                          "Attempt %d: starting the workers' containers.", attempt);
}

void plan_report_progress(struct planner *p)
{
    /* A failed worker at this point is one whose cause is still being waited for: the message stays, unless
     * the status was lost. */
    bool is_settling = first(p, is_failed) != NULL && *p->next.reason != '\0';
    if (is_settling || plan_report_queue(p) || report_placement(p))
        return;
    struct status_workers n = gang_count(&p->gang, p->a);
    int32_t ready = n.ready + n.succeeded;
    enum job_phase phase = phase_of(p, ready);
    if (!report_start_failure(p, phase) && !report_node_not_ready(p, phase) && !report_slow_start(p, phase))
        report_phase(p, phase, ready);
}
