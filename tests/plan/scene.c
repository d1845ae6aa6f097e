/* A world as a case tells it. */
#include "scene_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/job_decode.h"
#include "data/field.h"
#include "api/names.h"
#include "core/model/report_facts.h"
#include "data/js.h"

#include "../support/config.h"

#include "base/banned.h"

#define SPARE_PODS 64

static const char job_text[] =
    "{'metadata': {'name': 'digits', 'namespace': 'ml', 'uid': '11111111-2222-3333-4444-555555555555',"
    "  'resourceVersion': '7', 'generation': 1, 'creationTimestamp': '2026-01-01T11:00:00Z'},"
    " 'spec': {'serviceAccountName': 'trainer', 'confidential': {'technologies': ['SEV']}, 'replicas': 2, "
    "'network': {'workerTraffic': 'AcceptPlain'},"
    "  'trainer': {'image': 'registry/digits@sha256:00', 'command': ['/train']},"
    "  'failurePolicy': {'maxRestarts': 3, 'maxDisruptions': -1, 'backoffSeconds': 10}}}";

static const char *const notification_targets[] = {"ops", "audit"};

static const struct config config = {
    USUAL_CONFIG,
    .notification_targets = notification_targets,
    .notification_target_count = ARRAY_LEN(notification_targets),
};

json_t *scene_keep(json_t *tree, struct arena *a)
{
    assert_non_null(tree);
    return js_keep(a, tree);
}

/* RFC 7396. */
static void merge(json_t *into, const json_t *patch)
{
    const char *key;
    json_t *value;
    json_t *from = json_deep_copy(patch);
    json_object_foreach(from, key, value)
    {
        json_t *old = json_object_get(into, key);
        if (json_is_null(value))
            json_object_del(into, key);
        else if (json_is_object(value) && json_is_object(old))
            merge(old, value);
        else
            json_object_set(into, key, value);
    }
    json_decref(from);
}

static int64_t number(const json_t *o, const char *key, int64_t otherwise)
{
    const json_t *v = json_object_get(o, key);
    return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

static bool flag(const json_t *o, const char *key)
{
    return json_is_true(json_object_get(o, key));
}

static int64_t ago(const json_t *o, const char *key, int64_t seconds)
{
    return SCENE_NOW_US - number(o, key, seconds) * 1000000;
}

static const char *with_double_quotes(struct arena *a)
{
    char *text = arena_strdup(a, job_text);
    for (char *c = text; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
    return text;
}

static void read_job(const json_t *test_case, struct scene *s, struct arena *a)
{
    json_t *job = scene_keep(json_loads(with_double_quotes(a), 0, NULL), a);
    const json_t *patch = json_object_get(test_case, "job");
    if (patch != NULL)
        merge(job, patch);
    assert_int_equal(job_decode(job, a, &s->job, NULL), 0);
}

static enum pod_phase pod_phase(const char *word)
{
    static const char *const words[] = {"Pending", "Running", "Succeeded", "Failed", "Unknown"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(words[i], word) == 0)
            return (enum pod_phase)i;
    fail_msg("no pod phase: '%s'", word);
    return POD_UNKNOWN;
}

static struct container_facts container(const json_t *pod, const char *name)
{
    static const char *const words[] = {"none", "waiting", "running", "terminated"};
    const json_t *o = json_object_get(pod, name);
    struct container_facts c = {.reason = js_text(o, "reason"),
                                .message = js_text(o, "message"),
                                .restarts = (int32_t)number(o, "restarts", 0),
                                .exit_code = (int32_t)number(o, "exitCode", 0),
                                .signal = (int32_t)number(o, "signal", 0)};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(words[i], js_text(o, "state")) == 0)
            c.state = (enum container_state)i;
    if (c.state == CONTAINER_TERMINATED || json_object_get(o, "secondsAgo") != NULL)
        c.finished_us = ago(o, "secondsAgo", 60);
    return c;
}

/* The agent's termination message, with the identity of its pod where the case gives no other. */
static void add_report(const json_t *pod, struct pod_facts *f, struct arena *a)
{
    const json_t *given = json_object_get(pod, "report");
    if (given == NULL)
        return;
    json_t *report = json_pack("{s:i, s:i, s:i, s:s}", "version", 1, "attempt", (int)f->attempt, "index",
                               (int)f->index, "podUID", f->uid);
    merge(report, given);
    char *text = json_dumps(report, JSON_COMPACT);
    f->agent.state = CONTAINER_TERMINATED;
    f->agent.finished_us = SCENE_NOW_US - 1000000;
    f->agent.message = arena_strdup(a, text);
    free(text);
    json_decref(report);
}

/* What the agent posted, with the identity of its pod where the case gives no other. */
static void add_post(const json_t *pod, const struct pod_facts *f, struct scene *s, struct arena *a)
{
    const json_t *given = json_object_get(pod, "posted");
    if (given == NULL)
        return;
    json_t *report = scene_keep(json_pack("{s:i, s:i, s:i, s:s}", "version", 1, "attempt", (int)f->attempt,
                                          "index", (int)f->index, "podUID", f->uid),
                                a);
    merge(report, given);
    struct report_facts *facts = report_facts_new(report, f, NULL);
    assert_non_null(facts);
    arena_defer(a, free, facts);
    s->reports[s->w.report_count++] = facts;
}

const struct pod_facts *scene_empty_pod(const struct job *j, int32_t index, int32_t attempt, struct arena *a)
{
    struct pod_facts *f = arena_alloc(a, sizeof(*f));
    char name[NAME_SIZE];
    name_pod(j->name, index, attempt, name);
    const struct container_facts none = {.reason = "", .message = ""};
    *f = (struct pod_facts){.ns = j->ns,
                            .name = arena_strdup(a, name),
                            .uid = arena_printf(a, "uid-of-%s", name),
                            .resource_version = "1",

                            .job_uid = j->uid,
                            .job_name = j->name,
                            .owner_uid = j->uid,
                            .node = "",
                            .attempt = attempt,
                            .index = index,
                            .created_us = SCENE_NOW_US,
                            .technology = job_technology(j),
                            .reason = "",
                            .message = "",
                            .disruption_reason = "",
                            .disruption_message = "",
                            .other_conditions = "",
                            .agent_ended_reason = "",
                            .unschedulable_message = "",
                            .group = "",
                            .install = none,
                            .agent = none,
                            .trainer = none};
    return f;
}

static const struct pod_facts *read_pod(const json_t *pod, const struct job *j, struct arena *a)
{
    struct pod_facts *f = arena_alloc(a, sizeof(*f));
    *f = *scene_empty_pod(j, (int32_t)number(pod, "worker", 0), (int32_t)number(pod, "attempt", 1), a);
    f->phase = pod_phase(js_text(pod, "phase"));
    f->node = js_text(pod, "node");
    f->is_ready = flag(pod, "ready");
    f->is_deleting = flag(pod, "deleting");
    f->is_forced = flag(pod, "forced");
    f->deletion_us =
        json_object_get(pod, "graceEndedSecondsAgo") != NULL ? ago(pod, "graceEndedSecondsAgo", 0) : 0;
    f->is_changed = flag(pod, "changed");
    f->is_image_changed = flag(pod, "imageChanged");
    f->created_us = ago(pod, "ageSeconds", 100);
    f->started_us = *f->node != '\0' ? f->created_us : 0;
    f->reason = js_text(pod, "reason");
    f->message = js_text(pod, "message");
    f->disruption_reason = js_text(pod, "disruption");
    f->other_conditions = js_text(pod, "conditions");
    f->agent_ended_reason = js_text(pod, "agentEnded");
    f->unschedulable_message = js_text(pod, "unschedulable");
    if (json_object_get(pod, "technology") != NULL)
        f->technology = technology_from_name(js_text(pod, "technology"));
    f->group = js_text(pod, "group");
    f->is_group_over = flag(pod, "groupOver");
    f->is_gated = flag(pod, "gated");
    f->selector_count = (int32_t)number(pod, "selectors", 0);
    f->selection = strcmp(js_text(pod, "selection"), "same") == 0    ? SELECTION_SAME
                   : strcmp(js_text(pod, "selection"), "other") == 0 ? SELECTION_OTHER
                                                                     : SELECTION_SILENT;
    if (json_object_get(pod, "name") != NULL)
        f->name = js_text(pod, "name");
    if (json_object_get(pod, "owner") != NULL)
        f->owner_uid = js_text(pod, "owner");
    f->install = container(pod, "install");
    f->agent = container(pod, "agent");
    f->trainer = container(pod, "trainer");
    add_report(pod, f, a);
    return f;
}

static void read_pods(const json_t *test_case, struct scene *s, struct arena *a)
{
    const json_t *pods = json_object_get(test_case, "pods");
    s->pod_capacity = json_array_size(pods) + SPARE_PODS;
    s->pods = arena_calloc(a, s->pod_capacity, sizeof(*s->pods));
    s->reports = arena_calloc(a, s->pod_capacity, sizeof(*s->reports));
    for (size_t i = 0; i < json_array_size(pods); i++) {
        s->pods[s->pod_count] = read_pod(json_array_get(pods, i), &s->job, a);
        add_post(json_array_get(pods, i), s->pods[s->pod_count++], s, a);
    }
    qsort(s->reports, s->w.report_count, sizeof(*s->reports), report_facts_order);
}

/* In the same form. */
static void read_departed(const json_t *test_case, struct scene *s, struct arena *a)
{
    const json_t *pods = json_object_get(test_case, "departed");
    s->departed = arena_calloc(a, json_array_size(pods) + 1, sizeof(*s->departed));
    for (size_t i = 0; i < json_array_size(pods); i++)
        s->departed[s->w.departed_count++] = read_pod(json_array_get(pods, i), &s->job, a);
}

/* "nodes": {"cc-0": "SEV", "std-0": "", "cc-1": "SEV, not ready"} */
static void read_nodes(const json_t *test_case, struct scene *s, struct arena *a)
{
    json_t *nodes = json_object_get(test_case, "nodes");
    if (nodes == NULL)
        nodes = scene_keep(json_pack("{s:s, s:s}", "cc-0", "SEV", "std-0", ""), a);
    s->nodes = arena_calloc(a, json_object_size(nodes) + 1, sizeof(*s->nodes));
    const char *name;
    json_t *value;
    json_object_foreach(nodes, name, value)
    {
        const char *text = json_string_value(value);
        assert_non_null(text);
        struct node_facts *n = arena_alloc(a, sizeof(*n));
        n->name = name;
        n->technology = arena_view_dup(a, (struct view){text, strcspn(text, ",")});
        n->is_ready = strstr(text, "not ready") == NULL;
        n->is_spot = strstr(text, "spot") != NULL;
        enum technology t = technology_from_name(n->technology);
        if (t != TECHNOLOGY_COUNT) {
            s->w.confidential_nodes[t]++;
            s->w.spot_nodes[t] += n->is_spot;
        }
        s->nodes[s->w.node_count++] = n;
    }
}

void scene_add_service(struct scene *s, const char *owner)
{
    s->service = (struct child_facts){.ns = "ml",
                                      .name = "digits-workers",
                                      .uid = "uid-of-service",
                                      .resource_version = "1",
                                      .job_uid = owner,
                                      .job_name = "digits",
                                      .owner_uid = owner};
    s->w.service = &s->service;
}

void scene_add_policy(struct scene *s, const char *owner, int32_t attempt, bool is_changed)
{
    static const struct child_facts policy = {.ns = "ml",
                                              .name = "digits-workers-11111111",
                                              .uid = "uid-of-policy",
                                              .resource_version = "1",
                                              .job_name = "digits"};
    s->policy = policy;
    s->policy.job_uid = s->policy.owner_uid = owner;
    s->policy.attempt = attempt;
    s->policy.is_changed = is_changed;
    s->w.policy = &s->policy;
}

/* By default owned by the pods that there are, as after a pass that came to rest. */
static void read_policy(const json_t *test_case, struct scene *s)
{
    const char *policy = js_text(test_case, "policy");
    int32_t attempt = s->job.status.attempt > 0 ? s->job.status.attempt : -1;
    if (strcmp(policy, "absent") != 0)
        scene_add_policy(s, strcmp(policy, "foreign") == 0 ? "somebody-else" : s->job.uid,
                         strcmp(policy, "unowned") == 0 ? -1 : attempt, strcmp(policy, "changed") == 0);
}

static void read_config(const json_t *test_case, struct scene *s, struct arena *a)
{
    struct config *c = arena_alloc(a, sizeof(*c));
    *c = config;
    c->has_inter_node_encryption = flag(test_case, "interNodeEncryption");
    s->w.config = c;
}

/* Of a worker. */
static struct refusal refusal(const json_t *o, const struct scene *s, struct arena *a)
{
    if (o == NULL)
        return (struct refusal){.child = {.name = ""}, .message = ""};
    char name[NAME_SIZE];
    int32_t attempt = (int32_t)number(o, "attempt", 1);
    name_pod(s->job.name, (int32_t)number(o, "worker", 0), attempt, name);
    return (struct refusal){.child = {CHILD_POD, arena_strdup(a, name), attempt},
                            .message = js_text(o, "message"),
                            .at_us = ago(o, "secondsAgo", 0),
                            .count = (int32_t)number(o, "count", 1),
                            .is_told = flag(o, "told")};
}

static void read_surroundings(const json_t *test_case, struct scene *s, struct arena *a)
{
    const char *service = js_text(test_case, "service");
    if (strcmp(service, "absent") != 0)
        scene_add_service(s, strcmp(service, "foreign") == 0 ? "somebody-else" : s->job.uid);
    read_policy(test_case, s);
    const char *ns = js_text(test_case, "namespace");
    s->ns = (struct namespace_facts){.name = s->job.ns,
                                     .is_confidential = strcmp(ns, "ordinary") != 0,
                                     .is_deleting = strcmp(ns, "deleting") == 0};
    s->w.ns = strcmp(ns, "unknown") == 0 ? NULL : &s->ns;
    const json_t *scaling = json_object_get(test_case, "scaling");
    static const char *const words[] = {"", "up", "refused"};
    s->w.scaling = (struct scaling){.pod_uid = js_text(scaling, "podUID"),
                                    .message = js_text(scaling, "message"),
                                    .asked_us = ago(scaling, "secondsAgo", 0)};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(words[i], js_text(scaling, "word")) == 0)
            s->w.scaling.word = (enum scaling_word)i;
    s->w.refusal = refusal(json_object_get(test_case, "refusal"), s, a);
    int64_t pause_s = number(test_case, "statusAfterSeconds", 0);
    s->w.status_after_us = pause_s ? SCENE_NOW_US + pause_s * 1000000 : 0;
}

/* "taken": {"ops": ["<id>"]} */
static void read_taken(const json_t *test_case, struct scene *s, struct arena *a)
{
    struct delivered *list = arena_calloc(a, NOTIFICATIONS_MAX * NOTIFICATION_TARGETS_MAX, sizeof(*list));
    const char *target;
    json_t *ids = NULL;
    s->w.delivered = list;
    json_object_foreach(json_object_get(test_case, "taken"), target, ids)
    {
        for (size_t i = 0; i < json_array_size(ids); i++)
            list[s->w.delivered_count++] =
                (struct delivered){json_string_value(json_array_get(ids, i)), target};
    }
}

void scene_tie(struct scene *s)
{
    s->w.job = &s->job;
    s->w.pods = s->pods;
    s->w.pod_count = s->pod_count;
    s->w.departed = s->departed;
    s->w.reports = s->reports;
    s->w.nodes = s->nodes;
    s->w.service = s->w.service != NULL ? &s->service : NULL;
    s->w.policy = s->w.policy != NULL ? &s->policy : NULL;
    s->w.ns = s->w.ns != NULL ? &s->ns : NULL;
}

struct scene *scene_read(const json_t *test_case, struct arena *a)
{
    struct scene *s = arena_alloc(a, sizeof(*s));
    s->w.now_us = SCENE_NOW_US;
    read_config(test_case, s, a);
    read_job(test_case, s, a);
    read_pods(test_case, s, a);
    read_departed(test_case, s, a);
    read_nodes(test_case, s, a);
    read_surroundings(test_case, s, a);
    read_taken(test_case, s, a);
    scene_tie(s);
    return s;
}
