/* Objects of the API server reduced to flat facts: one heap block each. */
#include "core/world.h"

#include <stddef.h>
#include <string.h>

#include "api/field.h"
#include "base/strbuf.h"
#include "data/js.h"
#include "api/labels.h"
#include "core/pack.h"
#include "core/render.h"

#include "base/banned.h"

/* Labels hold dots, so they are not addressed by path. */
static const char *text_in(const json_t *object, const char *path, const char *key)
{
    const char *text = json_string_value(json_object_get(js_at(object, path), key));
    return text ? text : "";
}

static const char *label(const json_t *object, const char *key)
{
    return text_in(object, "metadata.labels", key);
}

static int32_t number_label(const json_t *object, const char *key)
{
    uint64_t n = 0;
    return view_to_u64(view_from(label(object, key)), &n) && n <= INT32_MAX ? (int32_t)n : -1;
}

static int64_t time_at(const json_t *object, const char *path)
{
    struct field f = {path, FIELD_TIME, 0, false};
    int64_t us = 0;
    return fields_decode(&f, 1, object, "", &us, NULL) == 0 ? us : 0;
}

static int32_t number_at(const json_t *object, const char *path)
{
    struct field f = {path, FIELD_INT32, 0, false};
    int32_t n = 0;
    return fields_decode(&f, 1, object, "", &n, NULL) == 0 ? n : 0;
}

static const char *controller_uid(const json_t *object)
{
    const json_t *owners = js_at(object, "metadata.ownerReferences");
    for (size_t i = 0; i < json_array_size(owners); i++) {
        const json_t *owner = json_array_get(owners, i);
        if (json_is_true(js_at(owner, "controller")))
            return js_text(owner, "uid");
    }
    return "";
}

/* ---- pods ---- */

#define CONDITIONS_TEXT_MAX ((size_t)16384)

#define POD(member)       offsetof(struct pod_facts, member)
#define CONTAINER(member) POD(member.reason), POD(member.message), POD(member.image_id)

static const size_t pod_strings[] = {
    POD(namespace),
    POD(name),
    POD(uid),
    POD(resource_version),
    POD(job_uid),
    POD(job_name),
    POD(owner_uid),
    POD(node),
    POD(reason),
    POD(message),
    POD(disruption_reason),
    POD(disruption_message),
    POD(other_conditions),
    POD(agent_ended_reason),
    POD(unschedulable_message),
    CONTAINER(install),
    CONTAINER(agent),
    CONTAINER(trainer),
};

static enum pod_phase phase_of(const char *word)
{
    static const char *const words[] = {"Pending", "Running", "Succeeded", "Failed"};
    size_t i = 0;
    while (i < ARRAY_LEN(words) && strcmp(words[i], word) != 0)
        i++;
    return (enum pod_phase)i;
}

static const json_t *status_of(const json_t *pod, const char *list_path, const char *container)
{
    const json_t *list = js_at(pod, list_path);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(js_text(json_array_get(list, i), "name"), container) == 0)
            return json_array_get(list, i);
    return NULL;
}

/* The end of a text that ends in a digest; two ids that differ before it name the same image. */
static const char *end_of(const char *text)
{
    enum { DIGITS = 32 };
    size_t n = strlen(text);
    return n > DIGITS ? text + n - DIGITS : text;
}

static void reduce_container(const json_t *status, struct container_facts *ret)
{
    *ret =
        (struct container_facts){.reason = "", .message = "", .image_id = end_of(js_text(status, "imageID"))};
    const json_t *state = NULL;
    ret->restarts = number_at(status, "restartCount");
    if ((state = js_at(status, "state.terminated"))) {
        ret->state = CONTAINER_TERMINATED;
        ret->exit_code = number_at(state, "exitCode");
        ret->signal = number_at(state, "signal");
        ret->finished_us = time_at(state, "finishedAt");
    } else if ((state = js_at(status, "state.running"))) {
        ret->state = CONTAINER_RUNNING;
    } else if ((state = js_at(status, "state.waiting"))) {
        ret->state = CONTAINER_WAITING;
    }
    ret->reason = js_text(state, "reason");
    ret->message = js_text(state, "message");
}

static const char *const usual_conditions[USUAL_CONDITIONS] = {
    "Ready", "ContainersReady", "Initialized", "PodScheduled", "PodReadyToStartContainers",
};

static size_t usual_condition(const char *type)
{
    size_t i = 0;
    while (i < USUAL_CONDITIONS && strcmp(usual_conditions[i], type) != 0)
        i++;
    return i;
}

bool pod_has_condition(const struct pod_facts *p, const char *type, const char *status)
{
    size_t i = usual_condition(type);
    if (i < USUAL_CONDITIONS)
        return *status && p->usual_conditions[i] == *status;
    struct view rest = view_from(p->other_conditions);
    while (rest.len > 0) {
        struct view letter;
        struct view name = view_cut(view_cut(rest, '\n', &rest), '=', &letter);
        if (view_equal_text(name, type))
            return view_equal(letter, view_of(status, 1));
    }
    return false;
}

static void keep_condition(const char *type, const char *status, struct pod_facts *ret, struct strbuf *others)
{
    size_t i = usual_condition(type);
    if (i < USUAL_CONDITIONS)
        ret->usual_conditions[i] = *status;
    else if (*status)
        strbuf_addf(others, "%s=%c\n", type, *status);
}

static void reduce_conditions(const json_t *conditions, struct pod_facts *ret, struct strbuf *others)
{
    for (size_t i = 0; i < json_array_size(conditions); i++) {
        const json_t *c = json_array_get(conditions, i);
        const char *type = js_text(c, "type");
        keep_condition(type, js_text(c, "status"), ret, others);
        bool is_true = strcmp(js_text(c, "status"), "True") == 0;
        if (strcmp(type, "Ready") == 0) {
            ret->is_ready = is_true;
        } else if (strcmp(type, "DisruptionTarget") == 0 && is_true) {
            const char *reason = js_text(c, "reason");
            ret->disruption_reason = *reason ? reason : "DisruptionTarget";
            ret->disruption_message = js_text(c, "message");
        } else if (strcmp(type, "PodScheduled") == 0 && !is_true &&
                   strcmp(js_text(c, "reason"), "Unschedulable") == 0) {
            const char *message = js_text(c, "message");
            ret->unschedulable_message = *message ? message : "no node fits";
        }
    }
}

static bool has_other_image(const struct container_facts *now, const struct container_facts *before)
{
    return *now->image_id && *before->image_id && strcmp(now->image_id, before->image_id) != 0;
}

/* Once seen, a changed image stays seen. */
static bool image_changed(const struct pod_facts *now, const struct pod_facts *before)
{
    return before && strcmp(now->uid, before->uid) == 0 &&
           (before->is_image_changed || has_other_image(&now->install, &before->install) ||
            has_other_image(&now->agent, &before->agent) || has_other_image(&now->trainer, &before->trainer));
}

/* Of the one rule that the operator wrote first. A pod that says otherwise is a changed one. */
static enum technology technology_of(const json_t *pod)
{
    const json_t *terms =
        js_at(pod, "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
                   ".nodeSelectorTerms");
    const json_t *rules = js_at(json_array_get(terms, 0), "matchExpressions");
    const json_t *values = js_at(json_array_get(rules, 0), "values");
    const char *name = json_string_value(json_array_get(values, 0));
    return name ? technology_from_name(name) : TECHNOLOGY_COUNT;
}

struct pod_facts *pod_facts_new(const json_t *pod, const struct pod_facts *previous)
{
    struct pod_facts f = {
        .namespace = js_text(pod, "metadata.namespace"),
        .name = js_text(pod, "metadata.name"),
        .uid = js_text(pod, "metadata.uid"),
        .resource_version = js_text(pod, "metadata.resourceVersion"),
        .job_uid = label(pod, LABEL_JOB_UID),
        .job_name = label(pod, LABEL_JOB_NAME),
        .owner_uid = controller_uid(pod),
        .node = js_text(pod, "spec.nodeName"),
        .attempt = number_label(pod, LABEL_ATTEMPT),
        .index = number_label(pod, LABEL_INDEX),
        .created_us = time_at(pod, "metadata.creationTimestamp"),
        .started_us = time_at(pod, "status.startTime"),
        .deletion_us = time_at(pod, "metadata.deletionTimestamp"),
        .is_deleting = js_at(pod, "metadata.deletionTimestamp") != NULL,
        .is_forced = json_integer_value(js_at(pod, "metadata.deletionGracePeriodSeconds")) == 0 &&
                     js_at(pod, "metadata.deletionGracePeriodSeconds") != NULL,
        .phase = phase_of(js_text(pod, "status.phase")),
        .technology = technology_of(pod),
        .reason = js_text(pod, "status.reason"),
        .message = js_text(pod, "status.message"),
    };
    if (!*f.name || !*f.uid)
        return NULL;
    char fingerprint[FINGERPRINT_SIZE];
    pod_fingerprint(pod, fingerprint);
    f.is_changed = strcmp(fingerprint, text_in(pod, "metadata.annotations", ANNOTATION_FINGERPRINT)) != 0;
    struct strbuf others CLEANUP(strbuf_fini) = STRBUF(CONDITIONS_TEXT_MAX);
    reduce_conditions(js_at(pod, "status.conditions"), &f, &others);
    f.other_conditions = strbuf_text(&others);
    reduce_container(status_of(pod, "status.initContainerStatuses", CONTAINER_INSTALL), &f.install);
    const json_t *agent = status_of(pod, "status.initContainerStatuses", CONTAINER_AGENT);
    reduce_container(agent, &f.agent);
    f.agent_ended_reason = js_text(agent, "lastState.terminated.reason");
    f.agent_ended_code = number_at(agent, "lastState.terminated.exitCode");
    reduce_container(status_of(pod, "status.containerStatuses", CONTAINER_TRAINER), &f.trainer);
    f.is_image_changed = image_changed(&f, previous);
    return pack_block(&f, sizeof(f), pod_strings, ARRAY_LEN(pod_strings));
}

/* ---- nodes, services, namespaces ---- */

struct node_facts *node_facts_new(const json_t *node)
{
    static const size_t strings[] = {offsetof(struct node_facts, name),
                                     offsetof(struct node_facts, technology)};
    struct node_facts f = {.name = js_text(node, "metadata.name"),
                           .technology = label(node, LABEL_NODE_TECHNOLOGY),
                           .is_spot = strcmp(label(node, LABEL_NODE_SPOT), "true") == 0};
    if (!*f.name)
        return NULL;
    const json_t *conditions = js_at(node, "status.conditions");
    for (size_t i = 0; i < json_array_size(conditions); i++) {
        const json_t *c = json_array_get(conditions, i);
        if (strcmp(js_text(c, "type"), "Ready") == 0)
            f.is_ready = strcmp(js_text(c, "status"), "True") == 0;
    }
    return pack_block(&f, sizeof(f), strings, ARRAY_LEN(strings));
}

#define CHILD(member) offsetof(struct child_facts, member)

static struct child_facts child_of(const json_t *object)
{
    return (struct child_facts){
        .namespace = js_text(object, "metadata.namespace"),
        .name = js_text(object, "metadata.name"),
        .uid = js_text(object, "metadata.uid"),
        .resource_version = js_text(object, "metadata.resourceVersion"),
        .job_uid = label(object, LABEL_JOB_UID),
        .job_name = label(object, LABEL_JOB_NAME),
        .owner_uid = controller_uid(object),
        .attempt = number_label(object, LABEL_ATTEMPT),
        .is_deleting = js_at(object, "metadata.deletionTimestamp") != NULL,
    };
}

static struct child_facts *pack_child(const struct child_facts *f)
{
    static const size_t strings[] = {CHILD(namespace),        CHILD(name),    CHILD(uid),
                                     CHILD(resource_version), CHILD(job_uid), CHILD(job_name),
                                     CHILD(owner_uid)};
    return *f->name && *f->uid ? pack_block(f, sizeof(*f), strings, ARRAY_LEN(strings)) : NULL;
}

struct child_facts *service_facts_new(const json_t *service)
{
    struct child_facts f = child_of(service);
    return pack_child(&f);
}

struct child_facts *policy_facts_new(const json_t *policy)
{
    struct child_facts f = child_of(policy);
    char fingerprint[FINGERPRINT_SIZE];
    policy_fingerprint(policy, fingerprint);
    f.is_changed = strcmp(fingerprint, text_in(policy, "metadata.annotations", ANNOTATION_FINGERPRINT)) != 0;
    return pack_child(&f);
}

struct namespace_facts *namespace_facts_new(const json_t *namespace)
{
    static const size_t strings[] = {offsetof(struct namespace_facts, name)};
    struct namespace_facts f = {
        .name = js_text(namespace, "metadata.name"),
        .is_confidential = strcmp(label(namespace, LABEL_CONFIDENTIAL_NAMESPACE), CONFIDENTIAL_VALUE) == 0,
        .is_deleting = js_at(namespace, "metadata.deletionTimestamp") != NULL,
    };
    return *f.name ? pack_block(&f, sizeof(f), strings, ARRAY_LEN(strings)) : NULL;
}
