/* Creates the objects of an attempt that are missing. */
#include "core/plan/planner_int.h"

#include <string.h>

#include "api/labels.h"
#include "api/names.h"

#include "base/banned.h"

#define REFUSAL_FIRST_SECONDS 5
#define REFUSAL_MAX_SECONDS   300

/* When to retry after a refusal, with exponential backoff. */
static int64_t retry_time(const struct refusal *r)
{
    int64_t seconds = REFUSAL_FIRST_SECONDS;
    for (int32_t i = 1; i < r->count && seconds < REFUSAL_MAX_SECONDS; i++)
        seconds *= 2;
    if (seconds > REFUSAL_MAX_SECONDS)
        seconds = REFUSAL_MAX_SECONDS;
    return r->at_us + seconds * SECOND_US;
}

/* What a person can do. A missing service account is the most common cause: new namespaces have none. */
static const char *remedy(const struct planner *p, const struct refusal *r)
{
    if (refusal_cause(r) == REFUSAL_SERVICE_ACCOUNT)
        return arena_printf(
            p->a, "run: kubectl create serviceaccount %s -n %s, and grant it the job's keys and buckets",
            p->j->spec.service_account_name, p->j->ns);
    return "create, correct or delete the object that it names";
}

/* A quota gets room by itself when other pods end; other refusals need a person. */
static void report_refusal(struct planner *p, const struct refusal *r)
{
    if (refusal_cause(r) == REFUSAL_QUOTA)
        planner_set_phase(
            p, PHASE_PENDING, REASON_QuotaExceeded,
            "The quota of namespace %s has no room for %s: %s. To go on, raise the ResourceQuota or delete "
            "pods that use it; Cloister retries at least every %d seconds.",
            p->j->ns, child_text(p->a, &r->child), r->message, REFUSAL_MAX_SECONDS);
    else
        planner_set_phase(p, PHASE_PENDING, REASON_CreateRefused,
                          "The API server refused to create %s: %s. To go on, %s; Cloister retries at least "
                          "every %d seconds.",
                          child_text(p->a, &r->child), r->message, remedy(p, r), REFUSAL_MAX_SECONDS);
}

/* Two operators that are refused different pods would otherwise overwrite each other's message for ever. */
static bool is_refusal_reported(const struct planner *p, const struct refusal *r)
{
    const char *reason = p->j->status.reason;
    return r->is_told &&
           (strcmp(reason, REASON_QuotaExceeded) == 0 || strcmp(reason, REASON_CreateRefused) == 0);
}

/*
 * False while a refused create waits for its retry. The refusal is reported until a create succeeds, also
 * while it is being retried.
 */
static bool may_create_now(struct planner *p)
{
    const struct refusal *r = refusal_of_attempt(&p->w->refusal, p->gang.attempt);
    if (r == NULL)
        return true;
    int64_t at_us = retry_time(r);
    if (!is_refusal_reported(p, r))
        report_refusal(p, r);
    if (at_us <= p->w->now_us)
        return true;
    planner_wake_at(p, at_us, "retry of a refused create");
    return false;
}

static bool is_own(const struct planner *p, const struct child_facts *child)
{
    return strcmp(child->owner_uid, p->j->uid) == 0;
}

static bool check_child(struct planner *p, const char *kind, const struct child_facts *child)
{
    if (child == NULL || is_own(p, child))
        return true;
    planner_set_phase(p, PHASE_PENDING, REASON_CreateRefused,
                      "The %s %s already exists and is not owned by this job. To go on, delete it, or create "
                      "the job under another name.",
                      kind, child->name);
    return false;
}

/* Cloister does not encrypt traffic between workers: the job or the administrator must have accounted for it.
 */
static bool check_worker_traffic(struct planner *p)
{
    const struct job_spec *s = &p->j->spec;
    if (s->replicas == 1 || s->network.worker_traffic == WORKER_TRAFFIC_ACCEPT_PLAIN ||
        p->w->config->has_inter_node_encryption)
        return true;
    planner_set_phase(
        p, PHASE_PENDING, REASON_WorkerTrafficNotEncrypted,
        "Traffic between the %d workers of this job is not known to be encrypted. To go on, create the job "
        "with "
        "spec.network.workerTraffic: AcceptPlain; or, if GKE's inter-node encryption is enabled, ask an "
        "administrator to set the chart value network.interNodeEncryption=true.",
        (int)s->replicas);
    return false;
}

static bool check_namespace(struct planner *p)
{
    const struct namespace_facts *n = p->w->ns;
    if (n->is_confidential)
        return true;
    planner_set_phase(p, PHASE_PENDING, REASON_NamespaceNotConfidential,
                      "Namespace %s is not enabled for confidential jobs. To go on, ask an administrator to "
                      "run: kubectl label namespace %s " LABEL_CONFIDENTIAL_NAMESPACE "=" CONFIDENTIAL_VALUE,
                      n->name, n->name);
    return false;
}

static void create_service(struct planner *p)
{
    if (p->w->service != NULL)
        return;
    char name[NAME_SIZE];
    name_service(p->j->name, name);
    planner_add_action(p, (struct action){.kind = ACTION_CREATE_SERVICE,
                                          .why = "Service missing",
                                          .name = arena_strdup(p->a, name)});
}

/* Before the pods that it selects. */
static void create_policy(struct planner *p)
{
    if (p->w->policy != NULL)
        return;
    char name[NAME_SIZE];
    name_policy(p->j->name, p->j->uid, name);
    planner_add_action(p, (struct action){.kind = ACTION_CREATE_POLICY,
                                          .why = "NetworkPolicy missing",
                                          .name = arena_strdup(p->a, name)});
}

/* Once in each attempt, when all pods that are to own it exist; and when somebody has changed it. */
static void update_policy(struct planner *p)
{
    const struct child_facts *policy = p->w->policy;
    if (policy->is_deleting || (policy->attempt == p->gang.attempt && !policy->is_changed))
        return;
    size_t most = (size_t)p->gang.replicas + p->gang.other_count, count = 0;
    struct pod_owner *pods = arena_calloc(p->a, most + 1, sizeof(*pods));
    for (int32_t i = 0; i < p->gang.replicas; i++)
        if (!pod_is_remembered(p->gang.workers[i]))
            pods[count++] = (struct pod_owner){p->gang.workers[i]->name, p->gang.workers[i]->uid};
    for (size_t i = 0; i < p->gang.other_count; i++)
        if (!pod_is_terminal(p->gang.others[i]))
            pods[count++] = (struct pod_owner){p->gang.others[i]->name, p->gang.others[i]->uid};
    planner_add_action(p, (struct action){.kind = ACTION_UPDATE_POLICY,
                                          .why = policy->is_changed ? "NetworkPolicy changed by somebody else"
                                                                    : "new pods must own it",
                                          .attempt = p->gang.attempt,
                                          .name = policy->name,
                                          .version = policy->resource_version,
                                          .pods = pods,
                                          .pod_count = count});
}

static void create_pods(struct planner *p)
{
    const char *group = plan_group_name(p);
    for (int32_t i = 0; i < p->gang.replicas; i++) {
        if (p->gang.workers[i] != NULL)
            continue;
        char name[NAME_SIZE];
        name_pod(p->j->name, i, p->gang.attempt, name);
        planner_add_action(p, (struct action){.kind = ACTION_CREATE_POD,
                                              .why = "worker missing",
                                              .attempt = p->gang.attempt,
                                              .index = i,
                                              .technology = p->technology,
                                              .passed_over = p->next.passed_over.range,
                                              .group = group,
                                              .name = arena_strdup(p->a, name)});
    }
}

bool plan_create_children(struct planner *p)
{
    bool is_complete = gang_present(&p->gang) == p->gang.replicas;
    if (is_complete && p->w->service != NULL && p->w->policy != NULL && is_own(p, p->w->policy)) {
        update_policy(p);
        return true;
    }
    if (!check_namespace(p) || (!is_complete && !check_worker_traffic(p)) ||
        !check_child(p, "Service", p->w->service) || !check_child(p, "NetworkPolicy", p->w->policy))
        return false;
    bool was_refused = refusal_of_attempt(&p->w->refusal, p->gang.attempt) != NULL;
    if (!may_create_now(p))
        return false;
    create_service(p);
    create_policy(p);
    create_pods(p);
    if (!is_complete && !was_refused)
        planner_set_phase(p, PHASE_STARTING, REASON_CreatingWorkers, "Attempt %d: creating %d worker%s.",
                          (int)p->gang.attempt, (int)p->gang.replicas, p->gang.replicas == 1 ? "" : "s");
    return is_complete && !was_refused;
}
