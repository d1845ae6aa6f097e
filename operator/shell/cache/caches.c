#include "shell/cache/caches.h"

#include <stdlib.h>
#include <string.h>

#include "api/job_decode.h"
#include "api/labels.h"
#include "base/alloc.h"
#include "core/model/pod_wire.h"
#include "data/js.h"
#include "os/log.h"
#include "shell/cache/reduce.h"

#include "base/banned.h"

/* ---- jobs ---- */
int cached_job_read(const struct cached_job *j, struct arena *a, json_t **ret_tree, struct job *ret,
                    struct err *e)
{
    *ret_tree = js_parse_foreign(view_of(j->text, j->text_length), "the job", e);
    return *ret_tree == NULL ? -1 : job_decode(*ret_tree, a, ret, e);
}

/* ---- which jobs a change concerns ---- */
static void enqueue(const struct caches *c, const char *ns, const char *name)
{
    c->listener.enqueue(c->listener.context, ns, name);
}

static void on_job(void *context, const void *before, const void *after)
{
    const struct caches *c = context;
    const struct cached_job *j = after != NULL ? after : before;
    if (before != NULL && after != NULL)
        c->listener.on_job_changed(c->listener.context, before, after);
    enqueue(c, j->ns, j->name);
}

static void on_pod(void *context, const void *before, const void *after)
{
    const struct caches *c = context;
    const struct pod_facts *old = before, *p = after != NULL ? after : before;
    pods_by_job_update(c->pods_by_job, old, after);
    if (old != NULL && (after == NULL || strcmp(old->uid, p->uid) != 0))
        c->listener.on_child_deleted(c->listener.context, old->ns, old->job_name, old->uid);
    if (after == NULL)
        c->listener.on_pod_deleted(c->listener.context, p);
    enqueue(c, p->ns, p->job_name);
}

static void on_child(void *context, const void *before, const void *after)
{
    const struct caches *c = context;
    const struct child_facts *old = before, *child = after != NULL ? after : before;
    if (old != NULL && (after == NULL || strcmp(old->uid, child->uid) != 0))
        c->listener.on_child_deleted(c->listener.context, old->ns, old->job_name, old->uid);
    enqueue(c, child->ns, child->job_name);
}

static void count_node(struct caches *c, const struct node_facts *node, int32_t by)
{
    enum technology t = node == NULL ? TECHNOLOGY_COUNT : technology_from_name(node->technology);
    if (t == TECHNOLOGY_COUNT)
        return;
    c->confidential_nodes[t] += by;
    c->spot_nodes[t] += node->is_spot ? by : 0;
}

static void on_node(void *context, const void *before, const void *after)
{
    struct caches *c = context;
    const struct node_facts *old = before, *now = after;
    count_node(c, old, -1);
    count_node(c, now, 1);
    bool is_same_kind = old != NULL && now != NULL && old->is_spot == now->is_spot &&
                        strcmp(old->technology, now->technology) == 0;
    if (is_same_kind && old->is_ready == now->is_ready)
        return;
    if (!is_same_kind) {
        /* A node came, went or became another kind: any job may be waiting for one. */
        enqueue(c, NULL, NULL);
        return;
    }
    void *cursor = NULL;
    const struct pod_facts *p;
    while ((p = store_next(informer_store(c->informers[CACHE_PODS]), &cursor)) != NULL)
        if (strcmp(p->node, now->name) == 0)
            enqueue(c, p->ns, p->job_name);
}

static void on_namespace(void *context, const void *before, const void *after)
{
    const struct namespace_facts *old = before, *now = after;
    if (old != NULL && now != NULL && old->is_confidential == now->is_confidential &&
        old->is_deleting == now->is_deleting)
        return;
    enqueue(context, now != NULL ? now->name : old->name, NULL);
}

/* ---- lists and errors ---- */
static void on_jobs_listed(void *context)
{
    struct caches *c = context;
    informer_start(c->informers[CACHE_PODS]);
    enqueue(c, NULL, NULL);
}

/* Nothing is reconciled while objects are being listed, so the end of a list enqueues every job. */
static void on_listed(void *context)
{
    enqueue(context, NULL, NULL);
}

static void on_error(void *context, const struct informer_kind *kind, const struct err *e)
{
    (void)context;
    log_failure(e->code == ERR_GONE ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, e,
                "cannot list or watch objects, retrying", "path", kind->path, NULL);
}

static void on_undecodable(void *context, const struct informer_kind *kind, const char *ns, const char *name)
{
    (void)context;
    log_warning("ignoring an object that cannot be decoded", "path", kind->path, "namespace", ns, "name",
                name, NULL);
}

/* ---- life ---- */
static const struct informer_kind kinds[CACHE_COUNT] = {
    [CACHE_JOBS] = {.path = JOB_API_PATH "/" JOB_PLURAL,
                    .reduce = reduce_job,
                    .on_change = on_job,
                    .on_listed = on_jobs_listed},
    [CACHE_PODS] = {.path = "/api/v1/pods",
                    .label_selector = CHILD_SELECTOR,
                    .message = &pod_wire,
                    .reduce = reduce_pod,
                    .on_change = on_pod,
                    .on_listed = on_listed},
    [CACHE_SERVICES] = {.path = "/api/v1/services",
                        .label_selector = CHILD_SELECTOR,
                        .reduce = reduce_service,
                        .on_change = on_child,
                        .on_listed = on_listed},
    [CACHE_POLICIES] = {.path = "/apis/networking.k8s.io/v1/networkpolicies",
                        .label_selector = CHILD_SELECTOR,
                        .reduce = reduce_policy,
                        .on_change = on_child,
                        .on_listed = on_listed},
    [CACHE_NODES] = {.path = "/api/v1/nodes",
                     .reduce = reduce_node,
                     .on_change = on_node,
                     .on_listed = on_listed},
    [CACHE_NAMESPACES] = {.path = "/api/v1/namespaces",
                          .reduce = reduce_namespace,
                          .on_change = on_namespace,
                          .on_listed = on_listed},
};

/* Only objects in that namespace, and of Namespaces only that one. Nodes belong to none. */
static void restrict_to(struct caches *c, enum cache which, const char *ns)
{
    struct informer_kind *k = &c->kinds[which];
    const char *plural = strrchr(k->path, '/');
    if (which == CACHE_NODES)
        return;
    if (which == CACHE_NAMESPACES) {
        c->restricted[which] = xasprintf("metadata.name=%s", ns);
        k->field_selector = c->restricted[which];
        return;
    }
    c->restricted[which] = xasprintf("%.*s/namespaces/%s%s", (int)(plural - k->path), k->path, ns, plural);
    k->path = c->restricted[which];
}

struct caches *caches_new(struct loop *loop, struct kube_client *client, const char *ns,
                          const struct caches_listener *listener)
{
    struct caches *c = xcalloc(1, sizeof(*c));
    c->listener = *listener;
    c->pods_by_job = pods_by_job_new();
    for (size_t i = 0; i < CACHE_COUNT; i++) {
        c->kinds[i] = kinds[i];
        if (*ns != '\0')
            restrict_to(c, (enum cache)i, ns);
        c->kinds[i].free_facts = free;
        c->kinds[i].on_undecodable = on_undecodable;
        c->kinds[i].on_error = on_error;
        c->kinds[i].context = c;
        c->informers[i] = informer_new(loop, client, &c->kinds[i]);
        if (i != CACHE_PODS)
            informer_start(c->informers[i]);
    }
    return c;
}

void caches_free(struct caches *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < CACHE_COUNT; i++) {
        informer_free(c->informers[i]);
        free(c->restricted[i]);
    }
    pods_by_job_free(c->pods_by_job);
    free(c);
}

void caches_refresh(struct caches *c)
{
    for (size_t i = 0; i < CACHE_COUNT; i++)
        informer_relist(c->informers[i]);
}

/* ---- queries ---- */
bool caches_are_synced(const struct caches *c)
{
    for (size_t i = 0; i < CACHE_COUNT; i++)
        if (!informer_is_synced(c->informers[i]))
            return false;
    return true;
}

bool caches_are_current(const struct caches *c)
{
    for (size_t i = 0; i < CACHE_COUNT; i++)
        if (!informer_is_current(c->informers[i]))
            return false;
    return true;
}

static const void *get(const struct caches *c, enum cache which, const char *ns, const char *name)
{
    return store_get(informer_store(c->informers[which]), ns, name);
}

const struct cached_job *caches_job(const struct caches *c, const char *ns, const char *name)
{
    return get(c, CACHE_JOBS, ns, name);
}

const struct pod_facts *caches_pod(const struct caches *c, const char *ns, const char *name)
{
    return get(c, CACHE_PODS, ns, name);
}

const struct child_facts *caches_service(const struct caches *c, const char *ns, const char *name)
{
    return get(c, CACHE_SERVICES, ns, name);
}

const struct child_facts *caches_policy(const struct caches *c, const char *ns, const char *name)
{
    return get(c, CACHE_POLICIES, ns, name);
}

const struct namespace_facts *caches_namespace(const struct caches *c, const char *name)
{
    return get(c, CACHE_NAMESPACES, "", name);
}

const struct pod_facts *const *caches_pods_of(const struct caches *c, const char *job_uid, size_t *ret_count)
{
    return pods_by_job_get(c->pods_by_job, job_uid, ret_count);
}

const struct node_facts *const *caches_nodes_of(const struct caches *c, const struct pod_facts *const *pods,
                                                size_t pod_count, struct arena *a, size_t *ret_count)
{
    const struct node_facts **list = arena_calloc(a, pod_count + 1, sizeof(*list));
    size_t count = 0;
    for (size_t i = 0; i < pod_count; i++) {
        const struct node_facts *node =
            *pods[i]->node == '\0' ? NULL : get(c, CACHE_NODES, "", pods[i]->node);
        size_t at = 0;
        while (at < count && list[at] != node)
            at++;
        if (node != NULL && at == count)
            list[count++] = node;
    }
    *ret_count = count;
    return list;
}
