#include "shell/reconcile/request.h"

#include "api/labels.h"
#include "api/status_json.h"
#include "base/alloc.h"
#include "core/render/worker_pod.h"
#include "core/render/policy.h"
#include "core/render/service.h"
#include "data/js.h"

#include "base/banned.h"

#define CORE_API       "/api/v1"
#define NETWORKING_API "/apis/networking.k8s.io/v1"

static const struct resource resources[] = {
    [ACTION_SET_STATUS] = {CACHE_JOBS, JOB_API_PATH, JOB_PLURAL},
    [ACTION_CONFIRM_JOB] = {CACHE_JOBS, JOB_API_PATH, JOB_PLURAL},
    [ACTION_CREATE_SERVICE] = {CACHE_SERVICES, CORE_API, "services"},
    [ACTION_CREATE_POLICY] = {CACHE_POLICIES, NETWORKING_API, "networkpolicies"},
    [ACTION_UPDATE_POLICY] = {CACHE_POLICIES, NETWORKING_API, "networkpolicies"},
    [ACTION_CREATE_POD] = {CACHE_PODS, CORE_API, "pods"},
    [ACTION_DELETE_POD] = {CACHE_PODS, CORE_API, "pods"},
    [ACTION_END_GROUP] = {CACHE_PODS, CORE_API, "pods"},
    [ACTION_DELETE_SERVICE] = {CACHE_SERVICES, CORE_API, "services"},
    [ACTION_DELETE_POLICY] = {CACHE_POLICIES, NETWORKING_API, "networkpolicies"},
};

const struct resource *request_resource(enum action_kind kind)
{
    return &resources[kind];
}

const char *request_object_name(const struct write *w)
{
    bool is_job = w->action->kind == ACTION_SET_STATUS || w->action->kind == ACTION_CONFIRM_JOB;
    return is_job ? w->reconcile->job.name : w->action->name;
}

/* ---- paths ---- */
static char *collection_path(const struct write *w)
{
    const struct resource *resource = request_resource(w->action->kind);
    return xasprintf("%s/namespaces/%s/%s", resource->api, w->reconcile->job.ns, resource->plural);
}

static char *object_path(const struct write *w, const char *subresource)
{
    char *collection CLEANUP(cleanup_free) = collection_path(w);
    return xasprintf("%s/%s%s", collection, request_object_name(w), subresource);
}

/* ---- requests ---- */
static void create(struct write *w, json_t *body, kube_done_fn *on_answer)
{
    char *path CLEANUP(cleanup_free) = collection_path(w);
    w->call = kube_start_write(w->reconcile->reconciler->client, "POST", path, body, on_answer, w);
    json_decref(body);
}

static void create_pod(struct write *w, kube_done_fn *on_answer)
{
    const struct reconcile *r = w->reconcile;
    const struct action *a = w->action;
    const struct worker worker = {.attempt = a->attempt,
                                  .index = a->index,
                                  .technology = a->technology,
                                  .passed_over = a->passed_over,
                                  .group = a->group};
    char *body CLEANUP(cleanup_free) = render_pod(&r->job, r->reconciler->config, &worker);
    char *path CLEANUP(cleanup_free) = collection_path(w);
    w->call = kube_start_write_text(r->reconciler->client, "POST", path, view_from(body), on_answer, w);
}

/* The subresource takes nothing but the status from this; resourceVersion makes it a compare-and-swap. */
static json_t *status_body(const struct reconcile *r, const struct action *a)
{
    return json_pack("{s:s, s:s, s:{s:s, s:s, s:s, s:s}, s:O, s:o}", "apiVersion", API_GROUP "/" API_VERSION,
                     "kind", JOB_KIND, "metadata", "name", r->job.name, "namespace", r->job.ns, "uid",
                     r->job.uid, "resourceVersion", r->job.resource_version, "spec",
                     json_object_get(r->tree, "spec"), "status", status_encode(a->status));
}

static void put_status(struct write *w, kube_done_fn *on_answer)
{
    json_t *body CLEANUP(js_free) = status_body(w->reconcile, w->action);
    char *path CLEANUP(cleanup_free) = object_path(w, "/status");
    w->call = kube_start_write(w->reconcile->reconciler->client, "PUT", path, body, on_answer, w);
}

static void put_policy(struct write *w, kube_done_fn *on_answer)
{
    const struct reconcile *r = w->reconcile;
    const struct action *a = w->action;
    json_t *body CLEANUP(js_free) =
        render_policy(&r->job, r->reconciler->config, a->attempt, a->pods, a->pod_count);
    json_object_set_new(json_object_get(body, "metadata"), "resourceVersion", json_string(a->version));
    char *path CLEANUP(cleanup_free) = object_path(w, "");
    w->call = kube_start_write(r->reconciler->client, "PUT", path, body, on_answer, w);
}

/* The API server rejects a change of the uid, so that a new pod of that name stays as it is. */
static void end_group(struct write *w, kube_done_fn *on_answer)
{
    json_t *body CLEANUP(js_free) =
        json_pack("{s:{s:s, s:{s:s}}}", "metadata", "uid", w->action->uid, "annotations",
                  ANNOTATION_GROUP_IS_RETRIED, ANNOTATION_GROUP_NOT_RETRIED);
    char *path CLEANUP(cleanup_free) = object_path(w, "");
    w->call = kube_start(w->reconcile->reconciler->client, "PATCH", path, body, on_answer, w);
}

/* The precondition keeps a new object of that name from being deleted. */
static void delete_child(struct write *w, kube_done_fn *on_answer)
{
    const struct action *a = w->action;
    json_t *body CLEANUP(js_free) = json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", "v1", "kind",
                                              "DeleteOptions", "preconditions", "uid", a->uid);
    if (a->kind == ACTION_DELETE_POD && a->grace_seconds >= 0)
        json_object_set_new(body, "gracePeriodSeconds", json_integer(a->grace_seconds));
    char *path CLEANUP(cleanup_free) = object_path(w, "");
    w->call = kube_start(w->reconcile->reconciler->client, "DELETE", path, body, on_answer, w);
}

static void list_events(struct write *w, kube_done_fn *on_answer)
{
    char *path CLEANUP(cleanup_free) =
        xasprintf(CORE_API "/namespaces/%s/events?fieldSelector=involvedObject.uid%%3D%s",
                  w->reconcile->job.ns, w->action->uid);
    w->call = kube_start(w->reconcile->reconciler->client, "GET", path, NULL, on_answer, w);
}

void request_lookup(struct write *w, kube_done_fn *on_answer)
{
    char *collection CLEANUP(cleanup_free) = collection_path(w);
    char *path CLEANUP(cleanup_free) =
        xasprintf("%s?fieldSelector=metadata.name%%3D%s", collection, request_object_name(w));
    w->call = kube_start(w->reconcile->reconciler->client, "GET", path, NULL, on_answer, w);
}

void request_send(struct write *w, kube_done_fn *on_answer)
{
    const struct reconcile *r = w->reconcile;
    switch (w->action->kind) {
    case ACTION_SET_STATUS: put_status(w, on_answer); break;
    case ACTION_CONFIRM_JOB: request_lookup(w, on_answer); break;
    case ACTION_CREATE_SERVICE: create(w, render_service(&r->job), on_answer); break;
    case ACTION_CREATE_POLICY:
        create(w, render_policy(&r->job, r->reconciler->config, 0, NULL, 0), on_answer);
        break;
    case ACTION_UPDATE_POLICY: put_policy(w, on_answer); break;
    case ACTION_CREATE_POD: create_pod(w, on_answer); break;
    case ACTION_END_GROUP: end_group(w, on_answer); break;
    case ACTION_DELETE_POD:
    case ACTION_DELETE_SERVICE:
    case ACTION_DELETE_POLICY: delete_child(w, on_answer); break;
    case ACTION_ASK_AUTOSCALER: list_events(w, on_answer); break;
    case ACTION_EVENT:
    case ACTION_WAKE_AT: break;
    }
}
