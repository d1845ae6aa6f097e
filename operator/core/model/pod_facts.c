/*
 * Read from the text rather than from a tree: of ten kilobytes a few hundred bytes are needed, and there are
 * thousands of pods.
 */
#include "core/model/pod_facts.h"

#include <stddef.h>
#include <string.h>

#include "api/labels.h"
#include "base/arena.h"
#include "base/rfc3339.h"
#include "base/strbuf.h"
#include "base/pack.h"
#include "core/model/fingerprint.h"
#include "data/skim.h"

#include "base/banned.h"

#define CONDITIONS_TEXT_MAX ((size_t)16384)

#define POD(member)       offsetof(struct pod_facts, member)
#define CONTAINER(member) POD(member.reason), POD(member.message)

static const size_t pod_strings[] = {
    POD(ns),
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
    POD(group),
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

/* ---- values ---- */
/* Lives as long as the arena. */
static const char *text(struct arena *a, struct view value)
{
    struct view v = skim_text(value);
    if (v.len == 0)
        return "";
    char *copy = arena_alloc(a, v.len + 1);
    skim_unescape(v, copy);
    return copy;
}

static int64_t time_of(struct view value)
{
    int64_t us = 0;
    return rfc3339_parse(skim_text(value), &us) == 0 ? us : 0;
}

static int32_t number(struct view value)
{
    int64_t n = skim_int(value, 0);
    return n >= INT32_MIN && n <= INT32_MAX ? (int32_t)n : 0;
}

static int32_t number_label(struct view value)
{
    uint64_t n = 0;
    return view_to_u64(skim_text(value), &n) && n <= INT32_MAX ? (int32_t)n : -1;
}

/* The element of a list whose `name` is that; empty when there is none. */
static struct view named(struct view list, const char *name)
{
    struct skim s = skim_open(list);
    struct view no_name, element;
    while (skim_next(&s, &no_name, &element))
        if (skim_is(skim_at(element, "name"), name))
            return element;
    return view_of(NULL, 0);
}

/* ---- containers ---- */
/* Only the last digits count: the same digest may stand behind different prefixes. */
static uint64_t image_of(struct view id)
{
    enum { DIGITS = 32 };
    return id.len == 0 ? 0 : skim_hash_text(view_skip(id, id.len > DIGITS ? id.len - DIGITS : 0));
}

static void reduce_state(struct view state, struct arena *a, struct container_facts *ret)
{
    static const char *const kinds[] = {"waiting", "running", "terminated"};
    static const char *const names[] = {"reason", "message", "exitCode", "signal", "finishedAt"};
    static const enum container_state states[] = {CONTAINER_WAITING, CONTAINER_RUNNING, CONTAINER_TERMINATED};
    struct view kind[ARRAY_LEN(kinds)], v[ARRAY_LEN(names)];
    skim_members(state, kinds, ARRAY_LEN(kinds), kind);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kind[i].len == 0)
            continue;
        ret->state = states[i];
        skim_members(kind[i], names, ARRAY_LEN(names), v);
        ret->reason = text(a, v[0]);
        ret->message = text(a, v[1]);
        ret->exit_code = number(v[2]);
        ret->signal = number(v[3]);
        ret->finished_us = time_of(v[4]);
    }
}

static void reduce_container(struct view status, struct arena *a, struct container_facts *ret)
{
    static const char *const names[] = {"imageID", "restartCount", "state", "lastState"};
    struct view v[ARRAY_LEN(names)];
    skim_members(status, names, ARRAY_LEN(names), v);
    *ret = (struct container_facts){.reason = "", .message = "", .image = image_of(skim_text(v[0]))};
    ret->restarts = number(v[1]);
    reduce_state(v[2], a, ret);
    if (ret->state != CONTAINER_TERMINATED)
        ret->finished_us = time_of(skim_at(v[3], "terminated.finishedAt"));
}

/* ---- conditions ---- */
static const char *const usual_conditions[USUAL_CONDITIONS] = {
    "Ready", "ContainersReady", "Initialized", "PodScheduled", "PodReadyToStartContainers",
};

static size_t usual_condition(struct view type)
{
    size_t i = 0;
    while (i < USUAL_CONDITIONS && !view_equal_text(type, usual_conditions[i]))
        i++;
    return i;
}

bool pod_has_condition(const struct pod_facts *p, const char *type, const char *status)
{
    size_t i = usual_condition(view_from(type));
    if (i < USUAL_CONDITIONS)
        return *status != '\0' && p->usual_conditions[i] == *status;
    struct view rest = view_from(p->other_conditions);
    while (rest.len > 0) {
        struct view letter;
        struct view name = view_cut(view_cut(rest, '\n', &rest), '=', &letter);
        if (view_equal_text(name, type))
            return view_equal(letter, view_of(status, 1));
    }
    return false;
}

static void keep_condition(struct view type, struct view status, struct pod_facts *ret, struct strbuf *others)
{
    size_t i = usual_condition(type);
    if (status.len > 0 && i < USUAL_CONDITIONS)
        ret->usual_conditions[i] = status.ptr[0];
    else if (status.len > 0)
        strbuf_addf(others, "%.*s=%c\n", VIEW_ARG(type), status.ptr[0]);
}

static void reduce_condition(struct view condition, struct arena *a, struct pod_facts *ret,
                             struct strbuf *others)
{
    static const char *const names[] = {"type", "status", "reason", "message"};
    struct view v[ARRAY_LEN(names)];
    skim_members(condition, names, ARRAY_LEN(names), v);
    bool is_true = skim_is(v[1], "True");
    keep_condition(skim_text(v[0]), skim_text(v[1]), ret, others);
    if (skim_is(v[0], "Ready")) {
        ret->is_ready = is_true;
    } else if (is_true && (skim_is(v[0], "DisruptionTarget") || skim_is(v[0], "TerminationTarget"))) {
        /* Set by Kubernetes and by Kueue, respectively. */
        const char *reason = text(a, v[2]);
        ret->disruption_reason = *reason != '\0' ? reason : text(a, v[0]);
        ret->disruption_message = text(a, v[3]);
    } else if (skim_is(v[0], "PodScheduled") && !is_true && skim_is(v[2], "Unschedulable")) {
        const char *message = text(a, v[3]);
        ret->unschedulable_message = *message != '\0' ? message : "no node fits";
    }
}

static void reduce_conditions(struct view list, struct arena *a, struct pod_facts *ret)
{
    struct strbuf others CLEANUP(strbuf_fini) = STRBUF(CONDITIONS_TEXT_MAX);
    struct skim s = skim_open(list);
    struct view no_name, condition;
    while (skim_next(&s, &no_name, &condition))
        reduce_condition(condition, a, ret, &others);
    ret->other_conditions = arena_strdup(a, strbuf_text(&others));
}

/* ---- images ---- */
static bool has_other_image(const struct container_facts *now, const struct container_facts *before)
{
    return now->image != 0 && before->image != 0 && now->image != before->image;
}

/* A change of the image is remembered. */
static bool image_changed(const struct pod_facts *now, const struct pod_facts *before)
{
    return before != NULL && strcmp(now->uid, before->uid) == 0 &&
           (before->is_image_changed || has_other_image(&now->install, &before->install) ||
            has_other_image(&now->agent, &before->agent) || has_other_image(&now->trainer, &before->trainer));
}

/* ---- the parts of a pod ---- */
static const char *controller_uid(struct view owners, struct arena *a)
{
    struct skim s = skim_open(owners);
    struct view no_name, owner;
    while (skim_next(&s, &no_name, &owner))
        if (view_equal_text(skim_at(owner, "controller"), "true"))
            return text(a, skim_at(owner, "uid"));
    return "";
}

static void reduce_labels(struct view labels, struct arena *a, struct pod_facts *ret)
{
    static const char *const names[] = {LABEL_JOB_UID, LABEL_JOB_NAME, LABEL_ATTEMPT, LABEL_INDEX,
                                        LABEL_GROUP};
    struct view v[ARRAY_LEN(names)];
    skim_members(labels, names, ARRAY_LEN(names), v);
    ret->job_uid = text(a, v[0]);
    ret->job_name = text(a, v[1]);
    ret->attempt = number_label(v[2]);
    ret->index = number_label(v[3]);
    ret->group = text(a, v[4]);
}

static void reduce_metadata(struct view metadata, struct arena *a, struct pod_facts *ret)
{
    static const char *const names[] = {"namespace",
                                        "name",
                                        "uid",
                                        "resourceVersion",
                                        "creationTimestamp",
                                        "deletionTimestamp",
                                        "deletionGracePeriodSeconds",
                                        "labels",
                                        "ownerReferences"};
    struct view v[ARRAY_LEN(names)];
    skim_members(metadata, names, ARRAY_LEN(names), v);
    ret->ns = text(a, v[0]);
    ret->name = text(a, v[1]);
    ret->uid = text(a, v[2]);
    ret->resource_version = text(a, v[3]);
    ret->created_us = time_of(v[4]);
    ret->deletion_us = time_of(v[5]);
    ret->is_deleting = v[5].len > 0;
    ret->is_forced = skim_int(v[6], -1) == 0;
    reduce_labels(v[7], a, ret);
    ret->owner_uid = controller_uid(v[8], a);
}

static void reduce_status(struct view status, struct arena *a, struct pod_facts *ret)
{
    static const char *const names[] = {"phase",
                                        "reason",
                                        "message",
                                        "startTime",
                                        "conditions",
                                        "initContainerStatuses",
                                        "containerStatuses"};
    struct view v[ARRAY_LEN(names)];
    skim_members(status, names, ARRAY_LEN(names), v);
    ret->phase = phase_of(text(a, v[0]));
    ret->reason = text(a, v[1]);
    ret->message = text(a, v[2]);
    ret->started_us = time_of(v[3]);
    reduce_conditions(v[4], a, ret);
    struct view agent = named(v[5], CONTAINER_AGENT);
    reduce_container(named(v[5], CONTAINER_INSTALL), a, &ret->install);
    reduce_container(agent, a, &ret->agent);
    reduce_container(named(v[6], CONTAINER_TRAINER), a, &ret->trainer);
    ret->agent_ended_reason = text(a, skim_at(agent, "lastState.terminated.reason"));
    ret->agent_ended_code = number(skim_at(agent, "lastState.terminated.exitCode"));
}

static struct view first_of(struct view list)
{
    struct skim s = skim_open(list);
    struct view no_name, element = view_of(NULL, 0);
    return skim_next(&s, &no_name, &element) ? element : view_of(NULL, 0);
}

/* The value of the first requirement, which the operator writes. A pod whose affinity was edited has
 * is_changed. */
static enum technology technology_of(struct view affinity)
{
    struct view terms =
        skim_at(affinity, "nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms");
    struct view value = first_of(skim_at(first_of(skim_at(first_of(terms), "matchExpressions")), "values"));
    for (int t = 0; t < TECHNOLOGY_COUNT; t++)
        if (skim_is(value, technology_name((enum technology)t)))
            return (enum technology)t;
    return TECHNOLOGY_COUNT;
}

/* Names of labels and annotations contain dots, so they cannot be addressed by a path. */
static struct view member(struct view object, const char *name)
{
    struct view value;
    skim_members(object, &name, 1, &value);
    return value;
}

static int32_t count(struct view list)
{
    struct skim s = skim_open(list);
    struct view name, value;
    int32_t n = 0;
    while (skim_next(&s, &name, &value))
        n++;
    return n;
}

/* What a queue changes in a pod. */
static void reduce_queueing(const struct spec_text *spec, struct view annotations, struct pod_facts *ret)
{
    struct view selected = member(spec->node_selector, LABEL_NODE_TECHNOLOGY);
    ret->selector_count = count(spec->node_selector);
    ret->selection = selected.len == 0                                     ? SELECTION_SILENT
                     : skim_is(selected, technology_name(ret->technology)) ? SELECTION_SAME
                                                                           : SELECTION_OTHER;
    ret->is_gated = count(spec->gates) > 0;
    ret->is_group_over =
        skim_is(member(annotations, ANNOTATION_GROUP_IS_RETRIED), ANNOTATION_GROUP_NOT_RETRIED);
}

/* One scan of the text: the spec is the largest part, and the order of the parts is not fixed. */
static void reduce(struct view pod, struct arena *a, struct pod_facts *ret)
{
    struct skim s = skim_open(pod);
    struct view name, metadata = view_of(NULL, 0), status = metadata;
    struct spec_text spec = {.fingerprint = ""};
    while (skim_name(&s, &name)) {
        if (view_equal_text(name, "metadata"))
            metadata = skim_value(&s);
        else if (view_equal_text(name, "spec"))
            pod_read_spec(&s, &spec);
        else if (view_equal_text(name, "status"))
            status = skim_value(&s);
        else
            (void)skim_value(&s);
    }
    reduce_metadata(metadata, a, ret);
    reduce_status(status, a, ret);
    ret->node = text(a, spec.node);
    ret->technology = technology_of(spec.affinity);
    struct view annotations = skim_at(metadata, "annotations");
    ret->is_changed = !skim_is(member(annotations, ANNOTATION_FINGERPRINT), spec.fingerprint);
    reduce_queueing(&spec, annotations, ret);
}

struct pod_facts *pod_facts_new(struct view pod, const struct pod_facts *previous)
{
    struct arena *a CLEANUP(cleanup_arena) = arena_new();
    struct pod_facts f = {.is_ready = false};
    reduce(pod, a, &f);
    if (*f.name == '\0' || *f.uid == '\0')
        return NULL;
    f.is_image_changed = image_changed(&f, previous);
    return pod_facts_copy(&f);
}

struct pod_facts *pod_facts_copy(const struct pod_facts *p)
{
    return pack_block(p, sizeof(*p), pod_strings, ARRAY_LEN(pod_strings));
}
