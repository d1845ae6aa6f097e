/* What an attempt needs in the cluster, created when it lacks. */
#include "core/plan/planner_int.h"

#include <string.h>

#include "api/labels.h"
#include "api/names.h"

#include "base/banned.h"

#define REFUSAL_FIRST_SECONDS 5
#define REFUSAL_MAX_SECONDS   300

/* When to try again after a refusal. */
static int64_t retry_time(const struct refusal *r)
{
    int64_t seconds = REFUSAL_FIRST_SECONDS;
    for (int32_t i = 1; i < r->count && seconds < REFUSAL_MAX_SECONDS; i++)
        seconds *= 2;
    if (seconds > REFUSAL_MAX_SECONDS)
        seconds = REFUSAL_MAX_SECONDS;
    return r->at_us + seconds * SECOND_US;
}

/* What a person does about it. The service account is the one that every new namespace lacks at first. */
static const char *remedy(const struct planner *p, const struct refusal *r)
{
    if (refusal_cause(r) == REFUSAL_SERVICE_ACCOUNT)
        return arena_printf(
            p->a, "run: kubectl create serviceaccount %s -n %s, and grant it the job's keys and buckets",
            p->j->spec.service_account_name, p->j->ns);
    return "create, correct or remove what it names";
}

/* A quota empties by itself when others end; what else the API server refuses, only a person can allow. */
static void report_refusal(struct planner *p, const struct refusal *r)
{
    if (refusal_cause(r) == REFUSAL_QUOTA)
        planner_set_phase(
            p, PHASE_PENDING, REASON_QuotaExceeded,
            "The quota of namespace %s has no room for %s: %s. To go on, raise the ResourceQuota, or "
            "remove what uses it; Cloister tries again, at least every %d seconds.",
            p->j->ns, child_text(p->a, &r->child), r->message, REFUSAL_MAX_SECONDS);
    else
        planner_set_phase(
            p, PHASE_PENDING, REASON_CreateRefused,
            "The API server refuses to create %s: %s. To go on, %s; Cloister tries again, at least every "
            "%d seconds.",
            child_text(p->a, &r->child), r->message, remedy(p, r), REFUSAL_MAX_SECONDS);
}

/* Two operators that are both refused, each in words of its own, would take turns in writing them. */
static bool is_refusal_reported(const struct planner *p, const struct refusal *r)
{
    const char *reason = p->j->status.reason;
    return r->is_told &&
           (strcmp(reason, REASON_QuotaExceeded) == 0 || strcmp(reason, REASON_CreateRefused) == 0);
}

/*
 * False while a refused create waits for its time. Said also when the time has come: only
 * a create that succeeds takes the words back.
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
    planner_wake_at(p, at_us, "a create was refused");
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
                      "The %s %s exists and is not this job's. To go on, delete it, or delete the job and "
                      "give it another name.",
                      kind, child->name);
    return false;
}

/* Said by the job or by the administrator; Cloister does not encrypt what workers say to one another. */
static bool check_worker_traffic(struct planner *p)
{
    const struct job_spec *s = &p->j->spec;
    if (s->replicas == 1 || s->network.worker_traffic == WORKER_TRAFFIC_ACCEPT_PLAIN ||
        p->w->config->has_inter_node_encryption)
        return true;
    planner_set_phase(
        p, PHASE_PENDING, REASON_WorkerTrafficNotEncrypted,
        "The %d workers of this job talk over the network, and nobody has said that it encrypts. To "
        "go on, create the job with spec.network.workerTraffic: AcceptPlain; or, if GKE's inter-node "
        "encryption is on, ask an administrator to set the chart's value "
        "network.interNodeEncryption=true.",
        (int)s->replicas);
    return false;
}

static bool check_namespace(struct planner *p)
{
    const struct namespace_facts *n = p->w->ns;
    if (n->is_confidential)
        return true;
    planner_set_phase(
        p, PHASE_PENDING, REASON_NamespaceNotConfidential,
        "The namespace %s is not set up for confidential jobs. To go on, ask an administrator to "
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
                                          .why = "workers find one another by its names",
                                          .name = arena_strdup(p->a, name)});
}

/* Before any pod that it is about. */
static void create_policy(struct planner *p)
{
    if (p->w->policy != NULL)
        return;
    char name[NAME_SIZE];
    name_policy(p->j->name, p->j->uid, name);
    planner_add_action(p, (struct action){.kind = ACTION_CREATE_POLICY,
                                          .why = "workers talk to nobody but whom it names",
                                          .name = arena_strdup(p->a, name)});
}

/* Once an attempt, when all its pods are there to own it; and when somebody has changed it. */
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
    planner_add_action(p,
                       (struct action){.kind = ACTION_UPDATE_POLICY,
                                       .why = policy->is_changed ? "somebody has changed it"
                                                                 : "it goes with the last of these workers",
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
                                              .why = "the gang lacks this worker",
                                              .attempt = p->gang.attempt,
                                              .index = i,
                                              .technology = p->technology,
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
        planner_set_phase(p, PHASE_STARTING, REASON_CreatingWorkers, "Attempt %d: creating %d workers.",
                          (int)p->gang.attempt, (int)p->gang.replicas);
    return is_complete && !was_refused;
}
