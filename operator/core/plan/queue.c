/*
 * Kueue's plain pod groups. A group holds the pods of an attempt, and those of the next attempts as
 * replacements of pods that failed, so that the job keeps its quota reservation. It ends when the job is
 * suspended or fails, or when an attempt fails in which a worker had succeeded; the next attempt then starts
 * a new group. Pods carry the name of their group, and nothing else records it.
 */
#include "core/plan/planner_int.h"

#include <string.h>

#include "api/labels.h"
#include "api/names.h"

#include "base/banned.h"

static bool is_over(const struct planner *p, const char *group)
{
    for (int32_t i = 0; i < p->gang.replicas; i++)
        if (p->gang.workers[i] != NULL && p->gang.workers[i]->is_group_over &&
            strcmp(p->gang.workers[i]->group, group) == 0)
            return true;
    for (size_t i = 0; i < p->gang.other_count; i++)
        if (p->gang.others[i]->is_group_over && strcmp(p->gang.others[i]->group, group) == 0)
            return true;
    return false;
}

/* A pod of the current attempt, else of the newest one before it; NULL = no pod is in a group. */
static const struct pod_facts *newest_member(const struct planner *p)
{
    for (int32_t i = 0; i < p->gang.replicas; i++)
        if (p->gang.workers[i] != NULL && *p->gang.workers[i]->group != '\0')
            return p->gang.workers[i];
    for (size_t i = p->gang.other_count; i-- > 0;)
        if (*p->gang.others[i]->group != '\0')
            return p->gang.others[i];
    return NULL;
}

const char *plan_group_name(struct planner *p)
{
    if (*job_queue(p->j) == '\0')
        return "";
    const struct pod_facts *member = newest_member(p);
    if (member != NULL && (member->attempt == p->gang.attempt || !is_over(p, member->group)))
        return member->group;
    char name[NAME_SIZE];
    name_group(p->j->name, p->j->uid, p->gang.attempt, name);
    return arena_strdup(p->a, name);
}

void plan_end_group(struct planner *p)
{
    const struct pod_facts *member = newest_member(p);
    if (member != NULL && !is_over(p, member->group))
        planner_add_action(p, (struct action){.kind = ACTION_END_GROUP,
                                              .why = "no further workers in its pod group",
                                              .name = member->name,
                                              .uid = member->uid});
}

static bool has_succeeded(const struct pod_facts *p, const char *group)
{
    return p != NULL && p->phase == POD_SUCCEEDED && strcmp(p->group, group) == 0;
}

/* Kueue counts a pod that succeeded as a member for good, so a complete new attempt would exceed the group.
 */
static bool has_succeeded_member(const struct planner *p, const char *group)
{
    for (int32_t i = 0; i < p->gang.replicas; i++)
        if (has_succeeded(p->gang.workers[i], group))
            return true;
    for (size_t i = 0; i < p->gang.other_count; i++)
        if (has_succeeded(p->gang.others[i], group))
            return true;
    return false;
}

bool plan_leave_group(struct planner *p)
{
    const struct pod_facts *member = newest_member(p);
    if (member == NULL || is_over(p, member->group) || !has_succeeded_member(p, member->group))
        return false;
    plan_end_group(p);
    return true;
}

/* ---- reports ---- */

static const struct pod_facts *first_gated(const struct planner *p)
{
    for (int32_t i = 0; i < p->gang.replicas; i++)
        if (p->gang.workers[i]->is_gated && pod_is_alive(p->gang.workers[i]))
            return p->gang.workers[i];
    return NULL;
}

/* Number of nodeSelector entries that the operator wrote; a queue adds more. */
static int32_t own_selector_count(const struct job_spec *s)
{
    return (int32_t)json_object_size(s->node_selector) + (*s->compute_class != '\0' ? 1 : 0);
}

/*
 * A worker that the queue admitted with the node labels of a ResourceFlavor for another technology. A flavor
 * with another value of the label is wrong at once; one without the label may still fit, unless the pod is
 * unschedulable.
 */
static const struct pod_facts *first_with_wrong_flavor(const struct planner *p)
{
    for (int32_t i = 0; i < p->gang.replicas; i++) {
        const struct pod_facts *pod = p->gang.workers[i];
        bool is_waiting = !pod_is_bound(pod) && pod_is_alive(pod) && !pod->is_gated && *pod->group != '\0';
        bool has_more = pod->selector_count > own_selector_count(&p->j->spec);
        if (is_waiting &&
            (pod->selection == SELECTION_OTHER ||
             (pod->selection == SELECTION_SILENT && has_more && *pod->unschedulable_message != '\0')))
            return pod;
    }
    return NULL;
}

static void report_queued(struct planner *p, const struct pod_facts *pod)
{
    int attempt = (int)p->gang.attempt, all = (int)p->gang.replicas;
    if (*pod->group != '\0')
        planner_set_phase(p, PHASE_QUEUED, REASON_Queued,
                          "Attempt %d: %d workers are waiting in queue %s. To see why, run: kubectl describe "
                          "workload %s -n %s",
                          attempt, all, job_queue(p->j), pod->group, p->j->ns);
    else
        planner_set_phase(p, PHASE_QUEUED, REASON_Queued,
                          "Attempt %d: %s has a scheduling gate. To see which, run: kubectl get pod %s -n %s "
                          "-o jsonpath={.spec.schedulingGates}",
                          attempt, verdict_worker_text(p->a, pod), pod->name, p->j->ns);
}

static void report_flavor_mismatch(struct planner *p, const struct pod_facts *pod)
{
    const char *label = technology_name(pod->technology);
    planner_set_phase(p, PHASE_PENDING, REASON_FlavorMismatch,
                      "Queue %s admitted %s with a ResourceFlavor for the wrong nodes: its nodeLabels "
                      "%s " LABEL_NODE_TECHNOLOGY
                      "=%s. To go on, set that label in nodeLabels of the flavor for %s nodes, and the "
                      "matching value in every other flavor of the ClusterQueue, then run: kubectl delete "
                      "workload %s -n %s",
                      job_queue(p->j), verdict_worker_text(p->a, pod),
                      pod->selection == SELECTION_OTHER ? "contradict" : "do not set", label, label,
                      pod->group, p->j->ns);
}

bool plan_report_queue(struct planner *p)
{
    const struct pod_facts *gated = first_gated(p);
    const struct pod_facts *misled = first_with_wrong_flavor(p);
    if (gated != NULL)
        report_queued(p, gated);
    else if (misled != NULL)
        report_flavor_mismatch(p, misled);
    return gated != NULL || misled != NULL;
}
