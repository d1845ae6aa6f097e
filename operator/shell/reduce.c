#include "shell/caches_int.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rfc3339.h"
#include "core/pack.h"
#include "data/js.h"
#include "os/loop.h"
#include "shell/caches.h"

#include "base/banned.h"

/* managedFields are often larger than the rest, and nobody here reads them. */
static char *dump_without_managed_fields(const json_t *object)
{
    json_t *bare CLEANUP(js_free) = json_object();
    json_t *metadata = json_object();
    const char *key;
    json_t *value;
    json_object_update(bare, (json_t *)(uintptr_t)object);
    json_object_foreach(json_object_get(object, "metadata"), key, value)
    {
        if (strcmp(key, "managedFields") != 0)
            json_object_set(metadata, key, value);
    }
    json_object_set_new(bare, "metadata", metadata);
    return js_dump(bare);
}

/* When the job entered its phase, as far as this process saw it: it saw a new job's first one begin. */
static int64_t phase_since(const json_t *object, const struct cached_job *j,
                           const struct cached_job *previous)
{
    int64_t created_us;
    if (previous != NULL && strcmp(previous->uid, j->uid) == 0)
        return previous->phase == j->phase ? previous->phase_since_us : clock_wall_us();
    if (j->phase == PHASE_PENDING && j->attempt == 0 &&
        rfc3339_parse(view_from(js_text(object, "metadata.creationTimestamp")), &created_us) == 0)
        return created_us;
    return 0;
}

void *reduce_job(const json_t *object, const void *previous)
{
    static const size_t texts[] = {
        offsetof(struct cached_job, namespace), offsetof(struct cached_job, name),
        offsetof(struct cached_job, uid),       offsetof(struct cached_job, resource_version),
        offsetof(struct cached_job, text),
    };
    char *text CLEANUP(cleanup_free) = dump_without_managed_fields(object);
    struct cached_job j = {.namespace = js_text(object, "metadata.namespace"),
                           .name = js_text(object, "metadata.name"),
                           .uid = js_text(object, "metadata.uid"),
                           .resource_version = js_text(object, "metadata.resourceVersion"),
                           .text = text,
                           .text_length = strlen(text),
                           .attempt = (int32_t)js_int(object, "status.attempt", 0),
                           .phase = phase_from_name(js_text(object, "status.phase")),
                           .is_deleting = js_text(object, "metadata.deletionTimestamp")[0] != '\0'};
    j.phase_since_us = phase_since(object, &j, previous);
    return pack_block(&j, sizeof(j), texts, ARRAY_LEN(texts));
}

void *reduce_pod(const json_t *object, const void *previous)
{
    return pod_facts_new(object, previous);
}

void *reduce_service(const json_t *object, const void *previous)
{
    (void)previous;
    return service_facts_new(object);
}

void *reduce_policy(const json_t *object, const void *previous)
{
    (void)previous;
    return policy_facts_new(object);
}

void *reduce_node(const json_t *object, const void *previous)
{
    (void)previous;
    return node_facts_new(object);
}

void *reduce_namespace(const json_t *object, const void *previous)
{
    (void)previous;
    return namespace_facts_new(object);
}
