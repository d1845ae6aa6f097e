#include "shell/caches_int.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "core/pack.h"
#include "data/js.h"
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
                           .is_deleting = js_text(object, "metadata.deletionTimestamp")[0] != '\0'};
    (void)previous;
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
