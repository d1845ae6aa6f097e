/*
 * The operator's view of the cluster: jobs, their pods, Services and NetworkPolicies, nodes and namespaces,
 * each reduced to the facts that a reconcile reads.
 *
 * Owns the informers; borrows loop and client. Facts are valid until the loop runs again. Jobs are listed
 * before pods, so that no pod that a status mentions is missing. Nothing here fails; errors are logged and
 * retried.
 */
#ifndef CACHE_CACHES_H
#define CACHE_CACHES_H

#include "core/model/world.h"
#include "kube/informer.h"
#include "shell/cache/pods_by_job.h"

struct loop;

/* A job as the API server sent it, without managedFields: one block. */
struct cached_job {
    const char *ns;
    const char *name;
    const char *uid;
    const char *resource_version;
    const char *text; /* compact JSON */
    size_t text_length;
    int64_t phase_since_us; /* wall clock; 0 = since before this process started */
    int32_t attempt;
    enum job_phase phase;
    bool is_deleting;
};

/* The whole job, which borrows from the tree and the arena. *ret_tree is the caller's, also on failure.
 * ERR_INVALID for what the API server's schema or jansson rule out. */
int cached_job_read(const struct cached_job *j, struct arena *a, json_t **ret_tree, struct job *ret,
                    struct err *e) MUST_CHECK;

enum cache {
    CACHE_JOBS,
    CACHE_PODS,
    CACHE_SERVICES,
    CACHE_POLICIES,
    CACHE_NODES,
    CACHE_NAMESPACES,
    CACHE_COUNT
};

/* Event handlers. Names are borrowed for the call. */
struct caches_listener {
    /* The job has to be reconciled. name NULL: every job of the namespace; both NULL: every job. */
    void (*enqueue)(void *context, const char *ns, const char *name);
    void (*on_job_changed)(void *context, const struct cached_job *before, const struct cached_job *after);
    /* A pod, Service or NetworkPolicy of a job was deleted. */
    void (*on_child_deleted)(void *context, const char *ns, const char *job_name, const char *uid);
    /* A pod was deleted, and no other has its name: how it was seen last. */
    void (*on_pod_deleted)(void *context, const struct pod_facts *last);
    void *context;
};

struct caches {
    struct informer *informers[CACHE_COUNT];
    struct informer_kind kinds[CACHE_COUNT];
    char *restricted[CACHE_COUNT]; /* the path or selector of one namespace */
    struct pods_by_job *pods_by_job;
    struct caches_listener listener;
    int32_t confidential_nodes[TECHNOLOGY_COUNT], spot_nodes[TECHNOLOGY_COUNT];
};

/* Starts listing. ns: the only namespace to watch; "" = all. */
struct caches *caches_new(struct loop *loop, struct kube_client *client, const char *ns,
                          const struct caches_listener *listener) MUST_CHECK RETURNS_NONNULL;
void caches_free(struct caches *c); /* NULL is fine */

/* Lists everything again: a watch may have died unnoticed, and a new leader must not write on a stale view.
 */
void caches_refresh(struct caches *c);

/* Everything was listed at least once: the operator is ready. */
bool caches_are_synced(const struct caches *c);
/* And nothing is being listed again: a reconcile may rely on the caches. */
bool caches_are_current(const struct caches *c);

const struct cached_job *caches_job(const struct caches *c, const char *ns, const char *name);
const struct pod_facts *caches_pod(const struct caches *c, const char *ns, const char *name);
const struct child_facts *caches_service(const struct caches *c, const char *ns, const char *name);
const struct child_facts *caches_policy(const struct caches *c, const char *ns, const char *name);
const struct namespace_facts *caches_namespace(const struct caches *c, const char *name);
/* The pods of the job with that uid; valid until the cache changes. */
const struct pod_facts *const *caches_pods_of(const struct caches *c, const char *job_uid, size_t *ret_count);
/* The nodes that those pods are bound to, as far as they are cached; in the arena. */
const struct node_facts *const *caches_nodes_of(const struct caches *c, const struct pod_facts *const *pods,
                                                size_t pod_count, struct arena *a, size_t *ret_count);

#endif
