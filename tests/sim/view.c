/*
 * An operator's caches as the world of plan(), and as the caches that the real
 * operator/shell/expect.c asks: the functions of shell/caches.h and kube/informer.h
 * that it calls are defined here, over the view of one operator.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/names.h"
#include "base/arena.h"
#include "os/loop.h"
#include "sim.h"

#include "base/banned.h"

static const char job_text[] =
    "{\"metadata\": {\"name\": \"digits\", \"namespace\": \"ml\", \"uid\": \"job-1\","
    "  \"resourceVersion\": \"1\", \"generation\": 1, \"creationTimestamp\": \"2026-01-01T12:00:00Z\"},"
    " \"spec\": {\"serviceAccountName\": \"trainer\", \"confidential\": {\"technologies\": [\"SEV\"]},"
    "  \"replicas\": 2, \"network\": {\"workerTraffic\": \"AcceptPlain\"}, \"trainer\": {\"image\": "
    "\"registry/digits@sha256:00\", \"command\": [\"/train\"]},"
    "  \"keys\": [{\"name\": \"results\", \"kms\": \"projects/p/locations/l/keyRings/r/cryptoKeys/k\"}],"
    "  \"output\": {\"uri\": \"gs://bucket/models/\", \"keyName\": \"results\"},"
    "  \"failurePolicy\": {\"maxRestarts\": 2, \"maxDisruptions\": 2, \"backoffSeconds\": 10}}}";

static const struct config config = {
    .worker_image = "worker",
    .worker_pull_policy = "",
    .metadata_url = "http://169.254.169.254",
    .kms_url = "https://cloudkms.googleapis.com",
    .storage_url = "https://storage.googleapis.com",
    .report_url = "",
    .report_ca = "",
    .ca_bundle = "",
    .agent_memory_bytes = 64 << 20,
    .run_as_user = 65532,
    .grace_seconds = 60,
    .reserve_seconds = 20,
    .connections = 8,
    .unreachable_seconds = 60,
    .operator_namespace = "cloister-system",
    .metrics_namespace = "",
};

static const struct container_facts no_container = {.reason = "", .message = "", .image_id = ""};

/* ---- the world ---- */

static const struct job *job_template(void)
{
    static struct job job;
    static json_t *tree;
    if (tree)
        return &job;
    struct err e = {0};
    /* Lives as long as the process. */
    static struct arena *a;
    a = arena_new();
    tree = json_loads(job_text, 0, NULL);
    if (!tree || job_decode(tree, a, &job, &e) != 0 || job.spec_problem) {
        fprintf(stderr, "the simulation's job is not valid: %s\n", job.spec_problem ? job.spec_problem : "?");
        exit(2);
    }
    return &job;
}

static const char *report_text(const struct pod *p, struct arena *a)
{
    static const char *const results[] = {
        [TOLD_SUCCEEDED] = "\"result\":\"Succeeded\"",
        [TOLD_FAILED] = "\"result\":\"Failed\",\"reason\":\"CommandFailed\",\"class\":\"Application\"",
        [TOLD_SECURITY] = "\"result\":\"Failed\",\"reason\":\"DataTampered\",\"class\":\"Security\"",
    };
    if (p->told == TOLD_NOTHING)
        return "";
    const char *output =
        p->told == TOLD_SUCCEEDED && p->index == 0
            ? arena_printf(a, ",\"output\":{\"uri\":\"gs://bucket/models/%d/\",\"manifestSHA256\":\"00\"}",
                           p->attempt)
            : "";
    return arena_printf(a, "{\"version\":1,\"attempt\":%d,\"index\":%d,\"podUID\":\"uid-%d\",%s%s}",
                        p->attempt, p->index, p->number, results[p->told], output);
}

static void add_containers(const struct pod *p, struct pod_facts *f, struct arena *a)
{
    static const int32_t exits[] = {[T_EXIT_0] = 0, [T_EXIT_1] = 1, [T_OOM] = 137, [T_TERM] = 143};
    f->install = f->agent = f->trainer = no_container;
    if (p->trainer == T_NONE)
        return;
    f->install.state = CONTAINER_TERMINATED;
    f->agent.state = f->trainer.state = CONTAINER_RUNNING;
    if (p->trainer >= T_EXIT_0) {
        f->trainer.state = CONTAINER_TERMINATED;
        f->trainer.exit_code = exits[p->trainer];
        f->trainer.reason = p->trainer == T_OOM      ? "OOMKilled"
                            : p->trainer == T_EXIT_0 ? "Completed"
                                                     : "Error";
        f->trainer.finished_us = SIM_EPOCH_US + p->finished_s * INT64_C(1000000);
    }
    if (pod_is_over(p)) {
        f->agent.state = CONTAINER_TERMINATED;
        f->agent.finished_us = f->trainer.finished_us;
        f->agent.message = report_text(p, a);
    }
}

static const struct pod_facts *pod_facts_of(const struct pod *p, struct arena *a)
{
    static const char *const words[] = {"", "EvictionByEvictionAPI", "DeletionByTaintManager",
                                        "DeletionByPodGC"};
    char name[NAME_SIZE];
    name_pod("digits", p->index, p->attempt, name);
    struct pod_facts *f = arena_alloc(a, sizeof(*f));
    *f = (struct pod_facts){.namespace = "ml",
                            .name = arena_strdup(a, name),
                            .uid = arena_printf(a, "uid-%d", p->number),
                            .resource_version = "1",
                            .job_uid = arena_printf(a, "job-%d", p->job),
                            .job_name = "digits",
                            .node = p->node ? p->node == 1 ? "cc-1" : "cc-2" : "",
                            .attempt = p->attempt,
                            .index = p->index,
                            .created_us = SIM_EPOCH_US,
                            .started_us = p->node ? SIM_EPOCH_US : 0,
                            .is_deleting = p->flags & POD_DELETING,
                            .is_ready = p->flags & POD_READY,
                            .phase = (enum pod_phase)p->phase,
                            .reason = "",
                            .message = "",
                            .disruption_reason = words[p->disruption],
                            .disruption_message = "",
                            .other_conditions = "",
                            .agent_ended_reason = "",
                            .unschedulable_message = ""};
    f->owner_uid = f->job_uid;
    add_containers(p, f, a);
    return f;
}

static void add_pods(const struct oper *o, struct world *w, struct arena *a)
{
    const struct pod_facts **pods = arena_calloc(a, PODS, sizeof(*pods));
    for (size_t i = 0; i < PODS && o->pods[i].number; i++)
        if (o->pods[i].job == o->job.number)
            pods[w->pod_count++] = pod_facts_of(&o->pods[i], a);
    w->pods = pods;
}

static void add_nodes(const struct oper *o, struct world *w, struct arena *a)
{
    const struct node_facts **nodes = arena_calloc(a, NODES, sizeof(*nodes));
    for (size_t i = 0; i < NODES; i++) {
        if (!o->nodes[i].exists)
            continue;
        struct node_facts *n = arena_alloc(a, sizeof(*n));
        *n = (struct node_facts){
            .name = i == 0 ? "cc-1" : "cc-2", .technology = "SEV", .is_ready = o->nodes[i].is_ready};
        nodes[w->node_count++] = n;
        w->confidential_nodes[technology_from_name("SEV")]++;
    }
    w->nodes = nodes;
}

static struct refusal refusal_of(const struct oper *o, struct arena *a)
{
    char name[NAME_SIZE];
    if (o->refused_count == 0)
        return (struct refusal){.object = "", .message = ""};
    name_pod("digits", o->refused_index, o->refused_attempt, name);
    const char *object = o->refused_kind == ACTION_CREATE_POD       ? arena_printf(a, "pod %s", name)
                         : o->refused_kind == ACTION_CREATE_SERVICE ? "service digits-workers"
                                                                    : "networkpolicy digits-workers";
    return (struct refusal){.object = object,
                            .message = "exceeded quota",
                            .at_us = SIM_EPOCH_US + o->refused_ms * INT64_C(1000),
                            .count = o->refused_count};
}

static void add_policy(const struct oper *o, struct world *w, struct arena *a)
{
    const struct policy *p = &o->policies[o->job.number - 1];
    char name[NAME_SIZE];
    if (!p->number)
        return;
    name_policy("digits", w->job->uid, name);
    struct child_facts *facts = arena_alloc(a, sizeof(*facts));
    *facts = (struct child_facts){.namespace = "ml",
                                  .name = arena_strdup(a, name),
                                  .uid = arena_printf(a, "uid-%d", p->number),
                                  .resource_version = arena_printf(a, "%d", p->version),
                                  .job_uid = w->job->uid,
                                  .job_name = "digits",
                                  .owner_uid = w->job->uid,
                                  .attempt = p->attempt ? p->attempt : -1};
    w->policy = facts;
}

struct plan view_plan(const struct state *s, uint8_t op, struct arena *a, struct world *ret_world)
{
    static const struct namespace_facts namespace = {.name = "ml", .is_confidential = true};
    const struct oper *o = &s->ops[op];
    struct job *job = arena_alloc(a, sizeof(*job));
    struct child_facts *service = arena_alloc(a, sizeof(*service));
    *job = *job_template();
    job->uid = arena_printf(a, "job-%d", o->job.number);
    job->resource_version = arena_printf(a, "%d", o->job.version);
    job->generation = o->job.generation;
    job->is_deleting = o->job.is_deleting;
    job->status = *status_of(o->job.status);
    const char *owner = arena_printf(a, "job-%d", o->service.job);
    *service = (struct child_facts){.namespace = "ml",
                                    .name = "digits-workers",
                                    .uid = arena_printf(a, "uid-%d", o->service.number),
                                    .resource_version = "1",
                                    .job_uid = owner,
                                    .job_name = "digits",
                                    .owner_uid = owner};
    *ret_world = (struct world){.now_us = SIM_EPOCH_US + s->ms * INT64_C(1000),
                                .config = &config,
                                .job = job,
                                .namespace = &namespace,
                                .service = o->service.number ? service : NULL,
                                .refusal = refusal_of(o, a)};
    add_pods(o, ret_world, a);
    add_nodes(o, ret_world, a);
    add_policy(o, ret_world, a);
    return plan_job(ret_world, a);
}
