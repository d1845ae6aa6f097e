#include "shell/cache/reduce.h"

#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/pack.h"
#include "base/rfc3339.h"
#include "data/js.h"
#include "data/skim.h"
#include "os/loop.h"
#include "shell/cache/caches.h"

#include "base/banned.h"

/* When the job entered its phase; 0 when this process has not seen that. The first phase begins with the job.
 */
static int64_t phase_since(struct view created, const struct cached_job *j, const struct cached_job *previous)
{
    int64_t created_us;
    if (previous != NULL && strcmp(previous->uid, j->uid) == 0)
        return previous->phase == j->phase ? previous->phase_since_us : clock_wall_us();
    if (j->phase == PHASE_PENDING && j->attempt == 0 && rfc3339_parse(skim_text(created), &created_us) == 0)
        return created_us;
    return 0;
}

/* For texts that hold no escapes: names, uids, enumerations. */
static const char *copy(struct arena *a, struct view value)
{
    return arena_view_dup(a, skim_text(value));
}

void *reduce_job(struct view object, const void *previous)
{
    static const size_t texts[] = {
        offsetof(struct cached_job, ns),   offsetof(struct cached_job, name),
        offsetof(struct cached_job, uid),  offsetof(struct cached_job, resource_version),
        offsetof(struct cached_job, text),
    };
    static const char *const names[] = {
        "namespace", "name", "uid", "resourceVersion", "deletionTimestamp", "creationTimestamp"};
    struct arena *a CLEANUP(cleanup_arena) = arena_new();
    struct view v[ARRAY_LEN(names)];
    skim_members(skim_at(object, "metadata"), names, ARRAY_LEN(names), v);
    struct cached_job j = {.ns = copy(a, v[0]),
                           .name = copy(a, v[1]),
                           .uid = copy(a, v[2]),
                           .resource_version = copy(a, v[3]),
                           .text = arena_view_dup(a, object),
                           .text_length = object.len,
                           .attempt = (int32_t)skim_int(skim_at(object, "status.attempt"), 0),
                           .phase = phase_from_name(copy(a, skim_at(object, "status.phase"))),
                           .is_deleting = v[4].len > 0};
    j.phase_since_us = phase_since(v[5], &j, previous);
    return pack_block(&j, sizeof(j), texts, ARRAY_LEN(texts));
}

void *reduce_pod(struct view object, const void *previous)
{
    return pod_facts_new(object, previous);
}

/* The other kinds are few or change rarely, so that a tree for each object is affordable. */
void *reduce_service(struct view object, const void *previous)
{
    json_t *tree CLEANUP(js_free) = js_parse_foreign(object, "a Service", NULL);
    (void)previous;
    return service_facts_new(tree);
}

void *reduce_policy(struct view object, const void *previous)
{
    json_t *tree CLEANUP(js_free) = js_parse_foreign(object, "a NetworkPolicy", NULL);
    (void)previous;
    return policy_facts_new(tree);
}

void *reduce_node(struct view object, const void *previous)
{
    json_t *tree CLEANUP(js_free) = js_parse_foreign(object, "a node", NULL);
    (void)previous;
    return node_facts_new(tree);
}

void *reduce_namespace(struct view object, const void *previous)
{
    json_t *tree CLEANUP(js_free) = js_parse_foreign(object, "a namespace", NULL);
    (void)previous;
    return namespace_facts_new(tree);
}
