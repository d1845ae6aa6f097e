#include "shell/reconcile/write.h"

#include <string.h>

#include "base/alloc.h"
#include "data/js.h"
#include "os/log.h"
#include "os/loop.h"
#include "shell/reconcile/request.h"

#include "base/banned.h"

static bool is_forced(const struct action *a)
{
    return a->kind == ACTION_DELETE_POD && a->grace_seconds == 0;
}

/* ---- what an answer means ---- */
static void expect_object(const struct write *w, enum expectation_kind kind, const char *text)
{
    expect(&w->reconcile->item->expectations, kind, request_resource(w->action->kind)->cache,
           request_object_name(w), text);
}

static void note_success(struct write *w, const json_t *object)
{
    switch (w->action->kind) {
    case ACTION_SET_STATUS:
        queue_item_note_status(w->reconcile->item, clock_boot_ms() - w->begun_ms);
        expect_object(w, EXPECT_VERSION, js_text(object, "metadata.resourceVersion"));
        break;
    case ACTION_UPDATE_POLICY:
    case ACTION_END_GROUP:
        expect_object(w, EXPECT_VERSION, js_text(object, "metadata.resourceVersion"));
        break;
    case ACTION_CREATE_SERVICE:
    case ACTION_CREATE_POLICY:
    case ACTION_CREATE_POD:
        w->reconcile->is_created = true;
        expect_object(w, EXPECT_THERE, js_text(object, "metadata.uid"));
        break;
    case ACTION_DELETE_POD:
    case ACTION_DELETE_SERVICE:
    case ACTION_DELETE_POLICY:
        expect_object(w, is_forced(w->action) ? EXPECT_FORCED : EXPECT_LEAVING, w->action->uid);
        break;
    case ACTION_CONFIRM_JOB:
    case ACTION_ASK_AUTOSCALER:
    case ACTION_EVENT:
    case ACTION_WAKE_AT: break;
    }
}

static void note_refusal(struct write *w, const char *message)
{
    const struct child_ref child = child_of_action(w->action);
    if (w->reconcile->is_refused)
        queue_item_note_further_refusal(w->reconcile->item, &child, message);
    else
        queue_item_note_refusal(w->reconcile->item, &child, message);
    w->reconcile->is_refused = true;
}

static void note_failure(struct write *w, const struct kube_answer *answer, const struct err *e)
{
    struct reconcile *r = w->reconcile;
    log_failure(e->code == ERR_CONFLICT ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, e, "write failed", "action",
                action_kind_name(w->action->kind), "namespace", r->job.ns, "job", r->job.name, "object",
                request_object_name(w), NULL);
    r->is_failed = true;
    if (answer->retry_after_ms > r->retry_ms)
        r->retry_ms = answer->retry_after_ms;
    if (answer->is_unknown)
        expect_object(w, EXPECT_LIST, NULL);
}

/* Something else may answer at the API server's address, a proxy for instance. The API server's own answer to
 * a successful write contains the object. */
static bool is_from_apiserver(const struct write *w, const json_t *object)
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

static void note_answer(struct write *w, const struct kube_answer *answer)
{
    struct err foreign CLEANUP(err_fini) = {0};
    struct kube_answer unknown = {.status = answer->status, .is_unknown = true};
    if (is_from_apiserver(w, answer->object)) {
        note_success(w, answer->object);
        return;
    }
    err_set(
        &foreign, ERR_PROTOCOL, NULL,
        "the answer does not contain the object that was written; check that nothing else, such as a proxy, "
        "answers at the API server's address");
    note_failure(w, &unknown, &foreign);
}

static bool is_ours(const struct reconcile *r, const json_t *object)
{
    size_t at;
    json_t *owner;
    json_array_foreach(js_at(object, "metadata.ownerReferences"), at, owner)
    {
        if (js_bool(owner, "controller", false) && strcmp(js_text(owner, "uid"), r->job.uid) == 0)
            return true;
    }
    return false;
}

static void on_existing(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct write *w = context;
    const json_t *object = json_array_get(json_object_get(answer->object, "items"), 0);
    struct err gone CLEANUP(err_fini) = {0};
    w->call = NULL;
    if (e == NULL && object == NULL) {
        err_set(&gone, ERR_CONFLICT, NULL, "the object with this name has just been deleted");
        e = &gone;
    }
    if (e != NULL)
        note_failure(w, answer, e);
    else if (is_ours(w->reconcile, object))
        note_success(w, object);
    else
        note_refusal(w, "an object with this name already exists and is not owned by this job; delete it");
    w->on_end(w);
}

static void on_created(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct write *w = context;
    w->call = NULL;
    if (e != NULL && e->code == ERR_ALREADY_EXISTS) {
        /* Created before a crash or by a request whose answer was lost, or somebody else's? */
        request_lookup(w, on_existing);
        return;
    }
    if (e == NULL) {
        note_answer(w, answer);
    } else if (!answer->is_unknown &&
               (e->code == ERR_DENIED || e->code == ERR_INVALID || e->code == ERR_TOO_LARGE)) {
        char *message CLEANUP(cleanup_free) = err_text(e);
        note_refusal(w, message);
    } else {
        note_failure(w, answer, e);
    }
    w->on_end(w);
}

static void on_replaced(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct write *w = context;
    w->call = NULL;
    if (e == NULL)
        note_answer(w, answer);
    else
        note_failure(w, answer, e);
    w->on_end(w);
}

static void on_deleted(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct write *w = context;
    w->call = NULL;
    /* Deleted already, or another object has the name by now. */
    if (e == NULL)
        note_answer(w, answer);
    else if (e->code == ERR_NOT_FOUND || e->code == ERR_CONFLICT)
        note_success(w, answer->object);
    else
        note_failure(w, answer, e);
    w->on_end(w);
}

static void on_group_ended(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct write *w = context;
    w->call = NULL;
    if (e == NULL)
        note_answer(w, answer);
    else if (e->code != ERR_NOT_FOUND) /* deleted already: the next plan chooses another pod of the group */
        note_failure(w, answer, e);
    w->on_end(w);
}

/* Without an answer the reconcile goes on; the next plan asks again. */
static void on_autoscaler(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct write *w = context;
    struct scaling scaling = scaling_of_events(e == NULL ? answer->object : NULL);
    w->call = NULL;
    if (e != NULL)
        log_failure(LOG_LEVEL_WARNING, e, "cannot read a pod's events", "namespace", w->reconcile->job.ns,
                    "pod", w->action->name, NULL);
    queue_item_note_scaling(w->reconcile->item, w->action->uid, &scaling);
    w->reconcile->item->is_dirty = true;
    w->on_end(w);
}

/* A read changes nothing, so that no answer to it leaves the outcome of a write unknown. */
static void on_confirmed(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct write *w = context;
    struct reconcile *r = w->reconcile;
    const json_t *job = json_array_get(json_object_get(answer->object, "items"), 0);
    struct err overtaken CLEANUP(err_fini) = {0};
    w->call = NULL;
    if (e == NULL && strcmp(js_text(job, "metadata.resourceVersion"), r->job.resource_version) != 0) {
        err_set(&overtaken, ERR_CONFLICT, NULL, "the job has changed since the plan was made");
        e = &overtaken;
    }
    if (e != NULL)
        note_failure(w, &(struct kube_answer){.retry_after_ms = answer->retry_after_ms}, e);
    w->on_end(w);
}

/* ---- sending ---- */
static kube_done_fn *const answer_handlers[] = {
    [ACTION_SET_STATUS] = on_replaced,       [ACTION_CONFIRM_JOB] = on_confirmed,
    [ACTION_CREATE_SERVICE] = on_created,    [ACTION_CREATE_POLICY] = on_created,
    [ACTION_UPDATE_POLICY] = on_replaced,    [ACTION_CREATE_POD] = on_created,
    [ACTION_DELETE_POD] = on_deleted,        [ACTION_END_GROUP] = on_group_ended,
    [ACTION_DELETE_SERVICE] = on_deleted,    [ACTION_DELETE_POLICY] = on_deleted,
    [ACTION_ASK_AUTOSCALER] = on_autoscaler,
};

void write_start(struct write *w)
{
    w->begun_ms = clock_boot_ms();
    request_send(w, answer_handlers[w->action->kind]);
}
