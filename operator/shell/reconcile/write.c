/* One action as a request, and what its answer means. */
#include <string.h>

#include "api/labels.h"
#include "api/status_json.h"
#include "base/alloc.h"
#include "core/render/pod.h"
#include "core/render/policy.h"
#include "core/render/service.h"
#include "data/js.h"
#include "os/log.h"
#include "os/loop.h"
#include "shell/reconcile/reconcile_int.h"

#include "base/banned.h"

/* What an action is about. */
static const struct target {
    enum cache cache;
    const char *api;
    const char *plural;
} targets[] = {
    [ACTION_SET_STATUS] = {CACHE_JOBS, JOB_API_PATH, JOB_PLURAL},
    [ACTION_CONFIRM_JOB] = {CACHE_JOBS, JOB_API_PATH, JOB_PLURAL},
    [ACTION_CREATE_SERVICE] = {CACHE_SERVICES, "/api/v1", "services"},
    [ACTION_CREATE_POLICY] = {CACHE_POLICIES, "/apis/networking.k8s.io/v1", "networkpolicies"},
    [ACTION_UPDATE_POLICY] = {CACHE_POLICIES, "/apis/networking.k8s.io/v1", "networkpolicies"},
    [ACTION_CREATE_POD] = {CACHE_PODS, "/api/v1", "pods"},
    [ACTION_DELETE_POD] = {CACHE_PODS, "/api/v1", "pods"},
    [ACTION_END_GROUP] = {CACHE_PODS, "/api/v1", "pods"},
    [ACTION_DELETE_SERVICE] = {CACHE_SERVICES, "/api/v1", "services"},
    [ACTION_DELETE_POLICY] = {CACHE_POLICIES, "/apis/networking.k8s.io/v1", "networkpolicies"},
};

static bool is_forced(const struct action *a)
{
    return a->kind == ACTION_DELETE_POD && a->grace_seconds == 0;
}

static const char *object_name(const struct write *w)
{
    return targets[w->action->kind].cache == CACHE_JOBS ? w->pass->job.name : w->action->name;
}

/* ---- requests ---- */
static char *collection_path(const struct write *w)
{
    const struct target *t = &targets[w->action->kind];
    return xasprintf("%s/namespaces/%s/%s", t->api, w->pass->job.ns, t->plural);
}

static char *object_path(const struct write *w, const char *subresource)
{
    char *collection CLEANUP(cleanup_free) = collection_path(w);
    return xasprintf("%s/%s%s", collection, object_name(w), subresource);
}

/* The subresource takes nothing but status from this; resourceVersion makes it a comparison and a swap. */
static json_t *status_body(const struct reconcile *p, const struct action *a)
{
    return json_pack("{s:s, s:s, s:{s:s, s:s, s:s, s:s}, s:O, s:o}", "apiVersion", API_GROUP "/" API_VERSION,
                     "kind", JOB_KIND, "metadata", "name", p->job.name, "namespace", p->job.ns, "uid",
                     p->job.uid, "resourceVersion", p->job.resource_version, "spec",
                     json_object_get(p->tree, "spec"), "status", status_encode(a->status));
}

/* The uid keeps a namesake that was made meanwhile from being deleted. */
static json_t *delete_body(const struct action *a)
{
    json_t *body = json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", "v1", "kind", "DeleteOptions",
                             "preconditions", "uid", a->uid);
    if (a->kind == ACTION_DELETE_POD && a->grace_seconds >= 0)
        json_object_set_new(body, "gracePeriodSeconds", json_integer(a->grace_seconds));
    return body;
}

static void end_write(struct write *w)
{
    struct reconcile *p = w->pass;
    w->action = NULL;
    p->in_flight--;
    reconcile_continue(p);
}

/* ---- answers ---- */
static void note_success(struct write *w, const json_t *object)
{
    struct reconcile *p = w->pass;
    struct expectations *x = &p->task->expectations;
    const char *name = object_name(w);
    switch (w->action->kind) {
    case ACTION_SET_STATUS:
        queue_item_note_status(p->task, clock_boot_ms() - w->begun_ms);
        expect(x, EXPECT_VERSION, CACHE_JOBS, name, js_text(object, "metadata.resourceVersion"));
        break;
    case ACTION_UPDATE_POLICY:
    case ACTION_END_GROUP:
        expect(x, EXPECT_VERSION, targets[w->action->kind].cache, name,
               js_text(object, "metadata.resourceVersion"));
        break;
    case ACTION_CREATE_SERVICE:
    case ACTION_CREATE_POLICY:
    case ACTION_CREATE_POD:
        p->is_created = true;
        expect(x, EXPECT_THERE, targets[w->action->kind].cache, name, js_text(object, "metadata.uid"));
        break;
    case ACTION_DELETE_POD:
    case ACTION_DELETE_SERVICE:
    case ACTION_DELETE_POLICY:
        expect(x, is_forced(w->action) ? EXPECT_FORCED : EXPECT_LEAVING, targets[w->action->kind].cache, name,
               w->action->uid);
        break;
    case ACTION_CONFIRM_JOB:
    case ACTION_ASK_AUTOSCALER:
    case ACTION_EVENT:
    case ACTION_WAKE_AT: break;
    }
}

static void note_refusal(struct write *w, const char *message)
{
    const struct child child = child_of_action(w->action);
    if (w->pass->is_refused)
        queue_item_note_further_refusal(w->pass->task, &child, message);
    else
        queue_item_note_refusal(w->pass->task, &child, message);
    w->pass->is_refused = true;
}

static void note_failure(struct write *w, const struct kube_answer *answer, const struct err *e)
{
    struct reconcile *p = w->pass;
    log_failure(e->code == ERR_CONFLICT ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, e, "a write was not taken",
                "action", action_kind_name(w->action->kind), "namespace", p->job.ns, "job", p->job.name,
                "object", object_name(w), NULL);
    p->is_failed = true;
    if (answer->retry_after_ms > p->retry_ms)
        p->retry_ms = answer->retry_after_ms;
    if (answer->is_unknown)
        expect(&p->task->expectations, EXPECT_LIST, targets[w->action->kind].cache, object_name(w), NULL);
}

/* What answers under the API server's address may be something else, a proxy for instance: a success tells of
 * the object that was written. */
static bool is_answer(const struct write *w, const json_t *object)
{
    switch (w->action->kind) {
    case ACTION_SET_STATUS:
    case ACTION_UPDATE_POLICY:
    case ACTION_END_GROUP:
    case ACTION_CREATE_SERVICE:
    case ACTION_CREATE_POLICY:
    case ACTION_CREATE_POD: return *js_text(object, "metadata.uid") != '\0';
    case ACTION_DELETE_POD:
    case ACTION_DELETE_SERVICE:
    case ACTION_DELETE_POLICY:
        return strcmp(js_text(object, "kind"), "Status") == 0 ||
               strcmp(js_text(object, "metadata.name"), w->action->name) == 0;
    case ACTION_CONFIRM_JOB:
    case ACTION_ASK_AUTOSCALER:
    case ACTION_EVENT:
    case ACTION_WAKE_AT: break;
    }
    return true;
}

static void note_taken(struct write *w, const struct kube_answer *answer)
{
    struct err strange CLEANUP(err_fini) = {0};
    struct kube_answer unknown = {.status = answer->status, .is_unknown = true};
    if (is_answer(w, answer->object)) {
        note_success(w, answer->object);
        return;
    }
    err_set(&strange, ERR_PROTOCOL, NULL,
            "the answer to a write does not tell of the object that was written");
    note_failure(w, &unknown, &strange);
}

static bool is_ours(const struct reconcile *p, const json_t *object)
{
    size_t at;
    json_t *owner;
    json_array_foreach(js_at(object, "metadata.ownerReferences"), at, owner)
    {
        if (js_bool(owner, "controller", false) && strcmp(js_text(owner, "uid"), p->job.uid) == 0)
            return true;
    }
    return false;
}

static void on_namesake(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct write *w = context;
    const json_t *object = json_array_get(json_object_get(answer->object, "items"), 0);
    struct err gone CLEANUP(err_fini) = {0};
    w->call = NULL;
    if (e == NULL && object == NULL) {
        err_set(&gone, ERR_CONFLICT, NULL, "the object of that name has just gone");
        e = &gone;
    }
    if (e != NULL)
        note_failure(w, answer, e);
    else if (is_ours(w->pass, object))
        note_success(w, object);
    else
        note_refusal(w, "an object of that name exists and does not belong to this job; delete it");
    end_write(w);
}

/* The object of that name as it is now, in a list: the role allows lists anyway, and gives no other read. */
static void look(struct write *w, kube_done_fn *on_done)
{
    char *collection CLEANUP(cleanup_free) = collection_path(w);
    char *path CLEANUP(cleanup_free) =
        xasprintf("%s?fieldSelector=metadata.name%%3D%s", collection, object_name(w));
    w->call = kube_start(w->pass->pw->client, "GET", path, NULL, on_done, w);
}

/* Ours from before a crash or a lost answer, or somebody else's? */
static void look_at_namesake(struct write *w)
{
    look(w, on_namesake);
}

static void on_created(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct write *w = context;
    w->call = NULL;
    if (e != NULL && e->code == ERR_ALREADY_EXISTS) {
        look_at_namesake(w);
        return;
    }
    if (e == NULL) {
        note_taken(w, answer);
    } else if (!answer->is_unknown &&
               (e->code == ERR_DENIED || e->code == ERR_INVALID || e->code == ERR_TOO_LARGE)) {
        char *message CLEANUP(cleanup_free) = err_text(e);
        note_refusal(w, message);
    } else {
        note_failure(w, answer, e);
    }
    end_write(w);
}

/* By a PUT. */
static void on_replaced(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct write *w = context;
    w->call = NULL;
    if (e == NULL)
        note_taken(w, answer);
    else
        note_failure(w, answer, e);
    end_write(w);
}

static void on_deleted(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct write *w = context;
    w->call = NULL;
    /* Gone already, or another pod has the name by now: the one that was meant is no more. */
    if (e == NULL)
        note_taken(w, answer);
    else if (e->code == ERR_NOT_FOUND || e->code == ERR_CONFLICT)
        note_success(w, answer->object);
    else
        note_failure(w, answer, e);
    end_write(w);
}

static void on_group_ended(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct write *w = context;
    w->call = NULL;
    if (e == NULL)
        note_taken(w, answer);
    else if (e->code != ERR_NOT_FOUND) /* gone already: the next pass looks for another one */
        note_failure(w, answer, e);
    end_write(w);
}

/* An answer that does not come is none: the pass goes on, and the question is asked again later. */
static void on_autoscaler(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct write *w = context;
    struct scaling word = scaling_of_events(e == NULL ? answer->object : NULL);
    w->call = NULL;
    if (e != NULL)
        log_failure(LOG_LEVEL_WARNING, e, "cannot read a pod's events", "namespace", w->pass->job.ns, "pod",
                    w->action->name, NULL);
    queue_item_note_scaling(w->pass->task, w->action->uid, &word);
    w->pass->task->is_dirty = true;
    end_write(w);
}

/* A read changes nothing, so whatever its answer is, nothing is unknown. */
static void on_confirmed(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct write *w = context;
    struct reconcile *p = w->pass;
    const json_t *job = json_array_get(json_object_get(answer->object, "items"), 0);
    struct err overtaken CLEANUP(err_fini) = {0};
    w->call = NULL;
    if (e == NULL && strcmp(js_text(job, "metadata.resourceVersion"), p->job.resource_version) != 0) {
        err_set(&overtaken, ERR_CONFLICT, NULL, "the job has changed since this was planned");
        e = &overtaken;
    }
    if (e != NULL)
        note_failure(w, &(struct kube_answer){.retry_after_ms = answer->retry_after_ms}, e);
    end_write(w);
}

/* ---- sending ---- */
static void ask_autoscaler(struct write *w)
{
    char *path CLEANUP(cleanup_free) =
        xasprintf("/api/v1/namespaces/%s/events?fieldSelector=involvedObject.uid%%3D%s", w->pass->job.ns,
                  w->action->uid);
    w->call = kube_start(w->pass->pw->client, "GET", path, NULL, on_autoscaler, w);
}

static void create(struct write *w, json_t *body)
{
    char *path CLEANUP(cleanup_free) = collection_path(w);
    w->call = kube_start_write(w->pass->pw->client, "POST", path, body, on_created, w);
    json_decref(body);
}

static void create_pod(struct write *w)
{
    const struct reconcile *p = w->pass;
    const struct action *a = w->action;
    const struct worker worker = {a->attempt, a->index, a->technology, a->group};
    char *body CLEANUP(cleanup_free) = render_pod(&p->job, p->pw->config, &worker);
    char *path CLEANUP(cleanup_free) = collection_path(w);
    w->call = kube_start_write_text(p->pw->client, "POST", path, view_from(body), on_created, w);
}

static void put_status(struct write *w)
{
    const struct reconcile *p = w->pass;
    json_t *body CLEANUP(js_free) = status_body(p, w->action);
    char *path CLEANUP(cleanup_free) = object_path(w, "/status");
    w->call = kube_start_write(p->pw->client, "PUT", path, body, on_replaced, w);
}

static void put_policy(struct write *w)
{
    const struct reconcile *p = w->pass;
    const struct action *a = w->action;
    json_t *body CLEANUP(js_free) = render_policy(&p->job, p->pw->config, a->attempt, a->pods, a->pod_count);
    json_object_set_new(json_object_get(body, "metadata"), "resourceVersion", json_string(a->version));
    char *path CLEANUP(cleanup_free) = object_path(w, "");
    w->call = kube_start_write(p->pw->client, "PUT", path, body, on_replaced, w);
}

/* The uid refuses a namesake. */
static void end_group(struct write *w)
{
    json_t *body CLEANUP(js_free) =
        json_pack("{s:{s:s, s:{s:s}}}", "metadata", "uid", w->action->uid, "annotations",
                  ANNOTATION_GROUP_IS_RETRIED, ANNOTATION_GROUP_NOT_RETRIED);
    char *path CLEANUP(cleanup_free) = object_path(w, "");
    w->call = kube_start(w->pass->pw->client, "PATCH", path, body, on_group_ended, w);
}

static void delete_child(struct write *w)
{
    json_t *body CLEANUP(js_free) = delete_body(w->action);
    char *path CLEANUP(cleanup_free) = object_path(w, "");
    w->call = kube_start(w->pass->pw->client, "DELETE", path, body, on_deleted, w);
}

void write_start(struct write *w)
{
    const struct reconcile *p = w->pass;
    const struct action *a = w->action;
    w->begun_ms = clock_boot_ms();
    switch (a->kind) {
    case ACTION_SET_STATUS: put_status(w); break;
    case ACTION_CONFIRM_JOB: look(w, on_confirmed); break;
    case ACTION_CREATE_SERVICE: create(w, render_service(&p->job)); break;
    case ACTION_CREATE_POLICY: create(w, render_policy(&p->job, p->pw->config, 0, NULL, 0)); break;
    case ACTION_UPDATE_POLICY: put_policy(w); break;
    case ACTION_CREATE_POD: create_pod(w); break;
    case ACTION_END_GROUP: end_group(w); break;
    case ACTION_DELETE_POD:
    case ACTION_DELETE_SERVICE:
    case ACTION_DELETE_POLICY: delete_child(w); break;
    case ACTION_ASK_AUTOSCALER: ask_autoscaler(w); break;
    case ACTION_EVENT:
    case ACTION_WAKE_AT: break;
    }
}
