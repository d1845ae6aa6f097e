/*
 * The cluster's objects as the real code of the operator reduces them: what object_json.c
 * gives goes through reduce_pod(), reduce_job() and job_decode().
 *
 * Each object is made and reduced once. What goes through the real framer and informer
 * is a stub with its number, and the reductions that the informer calls (shell/cache/reduce.h,
 * defined here) look the facts up.
 */
#include <stdlib.h>
#include <string.h>

#include "api/job_decode.h"
#include "api/labels.h"
#include "api/names.h"
#include "base/alloc.h"
#include "base/strbuf.h"
#include "core/render/worker_pod.h"
#include "core/render/policy.h"
#include "core/render/service.h"
#include "data/js.h"
#include "data/skim.h"
#include "object_json.h"
#include "objects.h"
#include "shell/cache/reduce.h"

/* The real ones under other names, since the informers are to call those that stand here. */
void *real_reduce_job(struct view object, const void *previous);
void *real_reduce_pod(struct view object, const void *previous);
void *real_reduce_service(struct view object, const void *previous);
void *real_reduce_policy(struct view object, const void *previous);
void *real_reduce_node(struct view object, const void *previous);
void *real_reduce_namespace(struct view object, const void *previous);
#define reduce_job       real_reduce_job
#define reduce_pod       real_reduce_pod
#define reduce_service   real_reduce_service
#define reduce_policy    real_reduce_policy
#define reduce_node      real_reduce_node
#define reduce_namespace real_reduce_namespace
#include "shell/cache/reduce.c"
#undef reduce_job
#undef reduce_pod
#undef reduce_service
#undef reduce_policy
#undef reduce_node
#undef reduce_namespace

#include "../support/config.h"

#include "base/banned.h"

enum { BUCKETS = 1 << 16, KEY = 24, JOB_DELETING = 1, JOB_SUSPENDED = 2 };

struct object {
    unsigned char key[KEY];
    void *facts; /* what the real reduction gave */
    struct job job;
    uint32_t next; /* of the bucket, 0 = none */
};

static struct object **objects; /* number 0 is none */
static uint32_t count, capacity;
static uint32_t *buckets;
static struct arena *arena;

static json_t *keep(json_t *tree)
{
    if (tree == NULL)
        abort();
    return js_keep(arena, tree);
}

/* The object of that key; true when it must be made. */
static bool find(enum cache cache, const void *bytes, size_t size, uint32_t *ret)
{
    unsigned char key[KEY] = {(unsigned char)cache};
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    memcpy(key + 1, bytes, size);
    for (size_t i = 0; i < KEY; i++)
        h = (h ^ key[i]) * UINT64_C(0x100000001b3);
    if (arena == NULL) {
        arena = arena_new();
        buckets = xcalloc(BUCKETS, sizeof(*buckets));
    }
    uint32_t *bucket = &buckets[(h ^ (h >> 32)) % BUCKETS];
    for (*ret = *bucket; *ret; *ret = objects[*ret - 1]->next)
        if (memcmp(objects[*ret - 1]->key, key, KEY) == 0)
            return false;
    if (count == capacity) {
        capacity = capacity ? capacity * 2 : 1024;
        objects = xreallocarray(objects, capacity, sizeof(*objects));
    }
    struct object *o = arena_calloc(arena, 1, sizeof(*o));
    memcpy(o->key, key, KEY);
    o->next = *bucket;
    objects[count] = o;
    *bucket = *ret = ++count;
    return true;
}

/* By the real reduction, which takes what the API server sends. */
static void *reduced(const json_t *tree, void *(*reduce)(struct view object, const void *previous))
{
    char *text CLEANUP(cleanup_free) = js_dump(tree);
    return reduce(view_from(text), NULL);
}

static void hold(struct object *o, void *facts)
{
    if (facts == NULL)
        abort();
    o->facts = facts;
    arena_defer(arena, free, facts);
}

void objects_forget(void)
{
    if (arena == NULL)
        return;
    arena_free(arena);
    free(buckets);
    free(objects);
    arena = NULL;
    buckets = NULL;
    objects = NULL;
    count = capacity = 0;
}

/* ---- the job ---- */

const struct config sim_config = {USUAL_CONFIG};

static uint32_t job_number(const struct simjob *j)
{
    struct {
        uint32_t status;
        uint8_t number, generation, flags, variant;
    } key = {j->status, j->number, j->generation,
             (uint8_t)(j->is_deleting * JOB_DELETING + j->is_suspended * JOB_SUSPENDED), j->variant};
    uint32_t n;
    if (!find(CACHE_JOBS, &key, sizeof(key), &n))
        return n;
    struct object *o = objects[n - 1];
    json_t *tree = keep(job_json(j));
    hold(o, reduced(tree, real_reduce_job));
    if (job_decode(tree, arena, &o->job, NULL) != 0 || o->job.spec_problem != NULL) {
        fprintf(stderr, "the simulation's job is not valid: %s\n", o->job.spec_problem);
        exit(2);
    }
    return n;
}

const struct job *object_job(const struct cached_job *cached)
{
    const struct seen_job *seen = (const void *)cached;
    return &objects[seen->number - 1]->job;
}

/* ---- pods ---- */

static const json_t *rendered(const struct pod *p)
{
    const uint8_t what[] = {p->job, p->attempt, p->index, p->group};
    uint32_t n;
    if (find(CACHE_COUNT, what, sizeof(what), &n)) {
        const struct simjob job = {.number = p->job, .variant = p->group ? WITH_QUEUE : 0, .generation = 1};
        const struct job *j = &objects[job_number(&job) - 1]->job;
        char group[NAME_SIZE] = "";
        if (p->group)
            name_group(j->name, j->uid, p->group, group);
        const struct worker w = {
            .attempt = p->attempt, .index = p->index, .technology = TECHNOLOGY_SEV, .group = group};
        char *text CLEANUP(cleanup_free) = render_pod(j, &sim_config, &w);
        objects[n - 1]->facts = keep(js_parse(view_from(text), "a pod", NULL));
    }
    return objects[n - 1]->facts;
}

static uint32_t pod_number(const struct pod *p)
{
    struct pod key = *p;
    uint32_t n;
    key.flags &= (uint8_t)~POD_GONE;
    if (find(CACHE_PODS, &key, sizeof(key), &n)) {
        json_t *tree = pod_json(&key, rendered(&key));
        hold(objects[n - 1], reduced(tree, real_reduce_pod));
        json_decref(tree);
    }
    return n;
}

const struct pod_facts *object_pod(const struct pod *p)
{
    return objects[pod_number(p) - 1]->facts;
}

/* ---- the others ---- */

static uint32_t service_number(const struct service *s)
{
    uint32_t n;
    if (find(CACHE_SERVICES, s, sizeof(*s), &n)) {
        const struct simjob job = {.number = s->job, .generation = 1};
        json_t *tree = keep(render_service(&objects[job_number(&job) - 1]->job));
        json_object_set_new(json_object_get(tree, "metadata"), "uid", json_sprintf("uid-%d", s->number));
        hold(objects[n - 1], reduced(tree, real_reduce_service));
    }
    return n;
}

static uint32_t policy_number(const struct policy *p, size_t i)
{
    static const struct pod_owner owner = {"a worker", "its uid"};
    const uint8_t what[] = {(uint8_t)i, p->number, p->attempt, (uint8_t)p->version,
                            (uint8_t)(p->version >> 8)};
    uint32_t n;
    if (find(CACHE_POLICIES, what, sizeof(what), &n)) {
        const struct simjob job = {.number = (uint8_t)(i + 1), .generation = 1};
        const struct job *j = &objects[job_number(&job) - 1]->job;
        json_t *tree = render_policy(j, &sim_config, p->attempt, &owner, p->attempt ? 1 : 0);
        json_t *metadata = json_object_get(tree, "metadata");
        json_object_set_new(metadata, "uid", json_sprintf("uid-%d", p->number));
        json_object_set_new(metadata, "resourceVersion", json_sprintf("%d", p->version));
        hold(objects[n - 1], reduced(tree, real_reduce_policy));
        json_decref(tree);
    }
    return n;
}

const char *node_name(size_t node)
{
    return node == 0 ? "cc-1" : "cc-2";
}

static uint32_t node_number(const struct simnode *node, size_t i)
{
    const uint8_t what[] = {(uint8_t)i, node->is_ready};
    uint32_t n;
    if (find(CACHE_NODES, what, sizeof(what), &n)) {
        json_t *tree =
            keep(json_pack("{s:{s:s, s:{s:s}}, s:{s:[{s:s, s:s}]}}", "metadata", "name", node_name(i),
                           "labels", LABEL_NODE_TECHNOLOGY, "SEV", "status", "conditions", "type", "Ready",
                           "status", node->is_ready ? "True" : "Unknown"));
        hold(objects[n - 1], reduced(tree, real_reduce_node));
    }
    return n;
}

static uint32_t namespace_number(void)
{
    uint32_t n;
    if (find(CACHE_NAMESPACES, "", 0, &n)) {
        json_t *tree = keep(json_pack("{s:{s:s, s:{s:s}}}", "metadata", "name", NAMESPACE, "labels",
                                      LABEL_CONFIDENTIAL_NAMESPACE, CONFIDENTIAL_VALUE));
        hold(objects[n - 1], reduced(tree, real_reduce_namespace));
    }
    return n;
}

/* ---- on the wire ---- */

static void add_stub(struct strbuf *to, const char *ns, const char *name, unsigned version, uint32_t n)
{
    strbuf_addf(
        to, "{\"metadata\":{\"namespace\":\"%s\",\"name\":\"%s\",\"resourceVersion\":\"%u\"},\"number\":%u}",
        ns, name, version, n);
}

void wire_job(struct strbuf *to, const struct simjob *j)
{
    add_stub(to, NAMESPACE, JOB_NAME, j->version, job_number(j));
}

void wire_pod(struct strbuf *to, const struct pod *p)
{
    char name[NAME_SIZE];
    uint32_t n = pod_number(p);
    name_pod(JOB_NAME, p->index, p->attempt, name);
    add_stub(to, NAMESPACE, name, n, n);
}

void wire_service(struct strbuf *to, const struct service *s)
{
    char name[NAME_SIZE];
    uint32_t n = service_number(s);
    name_service(JOB_NAME, name);
    add_stub(to, NAMESPACE, name, n, n);
}

void wire_policy(struct strbuf *to, const struct policy *p, size_t job)
{
    char name[NAME_SIZE], uid[16];
    uint32_t n = policy_number(p, job);
    (void)snprintf(uid, sizeof(uid), "job-%zu", job + 1);
    name_policy(JOB_NAME, uid, name);
    add_stub(to, NAMESPACE, name, n, n);
}

void wire_node(struct strbuf *to, const struct simnode *node, size_t i)
{
    uint32_t n = node_number(node, i);
    add_stub(to, "", node_name(i), n, n);
}

void wire_namespace(struct strbuf *to)
{
    uint32_t n = namespace_number();
    add_stub(to, "", NAMESPACE, n, n);
}

/* ---- what the informers call ---- */

static uint32_t number_of(struct view object)
{
    return (uint32_t)skim_int(skim_at(object, "number"), 0);
}

/* A copy of the facts; their texts stay where they were made. */
static void *copy_of(struct view object, size_t size)
{
    void *copy = xmalloc(size);
    memcpy(copy, objects[number_of(object) - 1]->facts, size);
    return copy;
}

void *reduce_job(struct view object, const void *previous)
{
    uint32_t n = number_of(object);
    struct seen_job *seen = xcalloc(1, sizeof(*seen));
    (void)previous;
    memcpy(&seen->cached, objects[n - 1]->facts, sizeof(seen->cached));
    seen->number = n;
    struct view version = skim_text(skim_at(object, "metadata.resourceVersion"));
    (void)snprintf(seen->version, sizeof(seen->version), "%.*s", VIEW_ARG(version));
    seen->cached.resource_version = seen->version;
    return seen;
}

void *reduce_pod(struct view object, const void *previous)
{
    struct seen_pod *seen = xcalloc(1, sizeof(*seen));
    const struct object *o = objects[number_of(object) - 1];
    (void)previous;
    memcpy(&seen->facts, o->facts, sizeof(seen->facts));
    memcpy(&seen->pod, o->key + 1, sizeof(seen->pod));
    return seen;
}

void *reduce_service(struct view object, const void *previous)
{
    struct seen_service *seen = xcalloc(1, sizeof(*seen));
    const struct object *o = objects[number_of(object) - 1];
    (void)previous;
    memcpy(&seen->facts, o->facts, sizeof(seen->facts));
    memcpy(&seen->service, o->key + 1, sizeof(seen->service));
    return seen;
}

void *reduce_policy(struct view object, const void *previous)
{
    struct seen_policy *seen = xcalloc(1, sizeof(*seen));
    const struct object *o = objects[number_of(object) - 1];
    const unsigned char *key = o->key + 1;
    (void)previous;
    memcpy(&seen->facts, o->facts, sizeof(seen->facts));
    seen->policy = (struct policy){key[1], key[2], (uint16_t)(key[3] | key[4] << 8)};
    return seen;
}

void *reduce_node(struct view object, const void *previous)
{
    (void)previous;
    return copy_of(object, sizeof(struct node_facts));
}

void *reduce_namespace(struct view object, const void *previous)
{
    (void)previous;
    return copy_of(object, sizeof(struct namespace_facts));
}

struct simjob seen_simjob(const struct cached_job *cached)
{
    const struct seen_job *seen = (const void *)cached;
    const unsigned char *key = objects[seen->number - 1]->key + 1;
    struct simjob j = {.version = (uint16_t)strtoul(seen->version, NULL, 10)};
    memcpy(&j.status, key, sizeof(j.status));
    j.number = key[sizeof(j.status)];
    j.generation = key[sizeof(j.status) + 1];
    j.is_deleting = key[sizeof(j.status) + 2] & JOB_DELETING;
    j.is_suspended = key[sizeof(j.status) + 2] & JOB_SUSPENDED;
    j.variant = key[sizeof(j.status) + 3];
    return j;
}
