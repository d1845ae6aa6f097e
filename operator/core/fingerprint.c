/*
 * A fingerprint of the fields of a pod or NetworkPolicy that nobody but the
 * operator may have written. Tables say which fields; each is hashed with its name in JSON with
 * sorted keys. The hash is FNV-1a with 64 bits: it detects change and is no seal,
 * as whoever could forge it could as well replace the annotation.
 */
#include "core/render.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/field.h"
#include "data/js.h"
#include "api/quantity.h"

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

/* Probes and hooks count with what they execute; their timings are filled in by the API server. */
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

static int hash_bytes(const char *bytes, size_t length, void *context)
{
    uint64_t *hash = context;
    for (size_t i = 0; i < length; i++)
        *hash = (*hash ^ (unsigned char)bytes[i]) * UINT64_C(1099511628211);
    return 0;
}

static void hash_value(uint64_t *hash, const char *name, const json_t *value)
{
    if (!value)
        return;
    (void)hash_bytes(name, strlen(name) + 1, hash);
    (void)json_dump_callback(value, hash_bytes, hash, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    (void)hash_bytes("\n", 1, hash);
}

static void hash_fields(uint64_t *hash, const char *const *fields, size_t count, const json_t *object)
{
    for (size_t i = 0; i < count; i++)
        hash_value(hash, fields[i], js_at(object, fields[i]));
}

static void hash_containers(uint64_t *hash, const char *list_name, const json_t *list)
{
    (void)hash_bytes(list_name, strlen(list_name) + 1, hash);
    for (size_t i = 0; i < json_array_size(list); i++) {
        (void)hash_bytes("[", 1, hash);
        hash_fields(hash, container_fields, ARRAY_LEN(container_fields), json_array_get(list, i));
    }
}

/* The API server writes sizes in its own form ("1024Mi" as "1Gi"), so the number counts. */
static void hash_volume(uint64_t *hash, const json_t *volume)
{
    json_t *copy = json_deep_copy(volume);
    json_t *empty_dir = json_object_get(copy, "emptyDir");
    int64_t size = 0;
    if (quantity_from_json(json_object_get(empty_dir, "sizeLimit"), &size) == 0)
        json_object_set_new(empty_dir, "sizeLimit", json_integer(size));
    hash_value(hash, "volume", copy);
    json_decref(copy);
}

#define HASH_START UINT64_C(14695981039346656037)

void policy_fingerprint(const json_t *policy, char out[FINGERPRINT_SIZE])
{
    uint64_t hash = HASH_START;
    hash_value(&hash, "spec", js_at(policy, "spec"));
    (void)snprintf(out, FINGERPRINT_SIZE, "%016" PRIx64, hash);
}

void pod_fingerprint(const json_t *pod, char out[FINGERPRINT_SIZE])
{
    uint64_t hash = HASH_START;
    const json_t *spec = js_at(pod, "spec");
    hash_fields(&hash, pod_fields, ARRAY_LEN(pod_fields), spec);
    hash_containers(&hash, "initContainers", js_at(spec, "initContainers"));
    hash_containers(&hash, "containers", js_at(spec, "containers"));
    const json_t *volumes = js_at(spec, "volumes");
    for (size_t i = 0; i < json_array_size(volumes); i++)
        hash_volume(&hash, json_array_get(volumes, i));
    (void)snprintf(out, FINGERPRINT_SIZE, "%016" PRIx64, hash);
}
