/*
 * A fingerprint of the fields of a pod or NetworkPolicy that only the operator may write; tables list them.
 * It is computed from the text, as there are thousands of pods, and is the same for the text that was sent
 * and the one that the API server returns: the order of members and the way of escaping do not matter. It has
 * 64 bits and is no signature: whoever could forge it could also replace the annotation.
 */
#include "core/model/fingerprint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "data/quantity.h"
#include "base/alloc.h"
#include "data/js.h"
#include "data/skim.h"

#include "base/banned.h"

static const char *const pod_fields[] = {
    "serviceAccountName",
    "automountServiceAccountToken",
    "hostNetwork",
    "hostPID",
    "hostIPC",
    "hostUsers",
    "shareProcessNamespace",
    "runtimeClassName",
    "securityContext",
    "ephemeralContainers",
    "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution",
};

/* Probes count with what they execute, as the API server fills in their timings. */
static const char *const container_fields[] = {
    "name",
    "image",
    "command",
    "args",
    "env",
    "envFrom",
    "volumeMounts",
    "volumeDevices",
    "workingDir",
    "restartPolicy",
    "securityContext",
    "lifecycle",
    "livenessProbe",
    "startupProbe",
    "readinessProbe.exec",
    "readinessProbe.httpGet",
};

static uint64_t named(struct view name, uint64_t hash)
{
    return hash == 0 ? 0 : skim_hash_mix(skim_hash_text(name) * 3 + hash);
}

static uint64_t in_row(uint64_t before, uint64_t hash)
{
    return skim_hash_mix(before * 5 + hash + 1);
}

/* A field "a.b" counts with its path and its value. The cursor moves past the value in any case. */
static uint64_t hash_field(const char *const *fields, size_t count, struct view name, struct skim *s)
{
    uint64_t h = 0;
    for (size_t i = 0; i < count; i++)
        if (view_equal_text(name, fields[i]))
            return named(name, skim_hash(s));
    struct view value = skim_value(s);
    for (size_t i = 0; i < count; i++) {
        struct view rest, field = view_from(fields[i]), first = view_cut(field, '.', &rest);
        if (rest.len == 0 || !view_equal(first, name))
            continue;
        struct skim part = {skim_at(value, rest.ptr)};
        h += named(field, part.rest.len == 0 ? 0 : skim_hash(&part));
    }
    return h;
}

typedef uint64_t hash_member_fn(struct view name, struct skim *s);

/* The order of objects matters, that of their members does not. */
static uint64_t hash_objects(struct skim *s, hash_member_fn *hash_member)
{
    struct view name;
    uint64_t all = 0;
    bool is_list = skim_enter(s);
    while (is_list && skim_name(s, &name)) {
        uint64_t h = 0;
        bool is_object = skim_enter(s);
        while (is_object && skim_name(s, &name))
            h += hash_member(name, s);
        all = in_row(all, h);
    }
    return all;
}

static uint64_t hash_container_member(struct view name, struct skim *s)
{
    return hash_field(container_fields, ARRAY_LEN(container_fields), name, s);
}

static struct view text_or_number(struct view value)
{
    return value.len > 0 && value.ptr[0] == '"' ? skim_text(value) : value;
}

/* The API server normalizes sizes ("1024Mi" to "1Gi"), so their number of bytes counts. */
static uint64_t hash_empty_dir(struct skim *s)
{
    struct view name;
    uint64_t h = 0;
    int64_t size = 0;
    bool is_object = skim_enter(s);
    while (is_object && skim_name(s, &name)) {
        struct skim value = {skim_value(s)};
        if (view_equal_text(name, "sizeLimit") && quantity_parse(text_or_number(value.rest), &size) == 0)
            h += skim_hash_mix((uint64_t)size + 1);
        else if (value.rest.len > 0)
            h += named(name, skim_hash(&value));
    }
    return skim_hash_mix(h + 7);
}

static uint64_t hash_volume_member(struct view name, struct skim *s)
{
    return view_equal_text(name, "emptyDir") ? hash_empty_dir(s) : named(name, skim_hash(s));
}

static uint64_t hash_part(struct view name, struct skim *s)
{
    if (view_equal_text(name, "initContainers") || view_equal_text(name, "containers"))
        return named(name, hash_objects(s, hash_container_member));
    if (view_equal_text(name, "volumes"))
        return named(name, hash_objects(s, hash_volume_member));
    return hash_field(pod_fields, ARRAY_LEN(pod_fields), name, s);
}

void pod_read_spec(struct skim *s, struct spec_text *ret)
{
    struct view name;
    uint64_t h = 0;
    bool is_object = skim_enter(s);
    *ret = (struct spec_text){.fingerprint = ""};
    while (is_object && skim_name(s, &name)) {
        struct view *wanted = view_equal_text(name, "nodeName")          ? &ret->node
                              : view_equal_text(name, "nodeSelector")    ? &ret->node_selector
                              : view_equal_text(name, "schedulingGates") ? &ret->gates
                                                                         : NULL;
        if (wanted != NULL) {
            *wanted = skim_value(s);
            continue;
        }
        struct skim start = *s;
        h += hash_part(name, s);
        if (view_equal_text(name, "affinity"))
            ret->affinity = skim_value(&start);
    }
    (void)snprintf(ret->fingerprint, FINGERPRINT_SIZE, "%016" PRIx64, skim_hash_mix(h));
}

void pod_fingerprint(struct view spec, char out[FINGERPRINT_SIZE])
{
    struct skim s = {spec};
    struct spec_text text;
    pod_read_spec(&s, &text);
    memcpy(out, text.fingerprint, FINGERPRINT_SIZE);
}

void policy_fingerprint(const json_t *policy, char out[FINGERPRINT_SIZE])
{
    char *text CLEANUP(cleanup_free) = js_dump(json_object_get(policy, "spec"));
    struct skim s = {view_from(text)};
    (void)snprintf(out, FINGERPRINT_SIZE, "%016" PRIx64, skim_hash(&s));
}
