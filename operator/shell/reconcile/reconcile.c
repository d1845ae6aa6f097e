#include "shell/reconcile/reconcile.h"

#include <string.h>

#include "api/names.h"
#include "base/alloc.h"
#include "core/model/gang.h"
#include "core/plan/plan.h"
#include "data/js.h"
#include "os/log.h"
#include "os/loop.h"
#include "shell/notify/notifier.h"
#include "shell/reconcile/write.h"

#include "base/banned.h"

static void reconcile_free(struct reconcile *r)
{
    r->item->reconcile = NULL;
    json_decref(r->tree);
    arena_free(r->arena);
    free(r);
}

static void end(struct reconcile *r)
{
    struct queue_item *item = r->item;
    const struct reconciler *reconciler = r->reconciler;
    int64_t wake_us = r->wake_us, retry_ms = r->retry_ms;
    enum reconcile_result result = r->is_failed    ? RECONCILE_ERROR
                                   : r->is_refused ? RECONCILE_REQUEUE
                                                   : RECONCILE_SUCCESS;
    if (r->is_created && !r->is_refused)
        queue_item_note_created(item);
    if (result == RECONCILE_SUCCESS)
        queue_item_forget_departed(item, r->departed);
    reconcile_free(r);
    reconciler->on_end(item, result, wake_us, retry_ms);
}

/* ---- planning ---- */
/* plan() borrows from the caches, which change while writes are in flight. */
static void keep_plan(struct reconcile *r, const struct plan *plan)
{
    r->actions = arena_calloc(r->arena, plan->count + 1, sizeof(*r->actions));
    r->count = plan->count;
    for (size_t i = 0; i < plan->count; i++)
        r->actions[i] = action_copy(&plan->actions[i], r->arena);
}

/*
 * The status counts pods that the cache neither holds nor has seen deleted: either they were deleted while
 * this process did not watch, or the cache is older than a status that another operator wrote. Listing pods
 * again settles it, once for each resourceVersion of the job.
 */
static bool must_list_pods(struct reconcile *r, const struct world *w)
{
    const struct job_status *s = &r->job.status;
    struct gang gang;
    gang_init(&gang, w, s->attempt, r->arena);
    if (gang_missing(&gang, s) <= 0 || status_is_finished(s) ||
        !queue_item_note_relist(r->item, r->job.resource_version))
        return false;
    expect(&r->item->expectations, EXPECT_LIST, CACHE_PODS, r->job.name, NULL);
    r->item->is_dirty = true;
    r->departed = 0;
    return true;
}

/* The outcome of a finished job is in its status and pods; reports of its agents would only take memory. */
static void read_reports(const struct reconcile *r, struct world *w)
{
    if (!status_is_finished(&r->job.status)) {
        w->reports =
            reports_by_pod_get(r->reconciler->reports, w->pods, w->pod_count, r->arena, &w->report_count);
        return;
    }
    for (size_t i = 0; i < w->pod_count; i++)
        reports_by_pod_forget(r->reconciler->reports, w->pods[i]->uid);
}

static void make_plan(struct reconcile *r)
{
    const struct caches *c = r->reconciler->caches;
    char service[NAME_SIZE];
    if (!job_is_ours(&r->job))
        return;
    char policy[NAME_SIZE];
    name_service(r->job.name, service);
    name_policy(r->job.name, r->job.uid, policy);
    struct world w = {.now_us = clock_wall_us(),
                      .config = r->reconciler->config,
                      .job = &r->job,
                      .ns = caches_namespace(c, r->job.ns),
                      .service = caches_service(c, r->job.ns, service),
                      .policy = caches_policy(c, r->job.ns, policy),
                      .departed = (const struct pod_facts *const *)r->item->departed,
                      .departed_count = r->departed,
                      .refusal = queue_item_refusal(r->item),
                      .scaling = queue_item_scaling(r->item)};
    w.status_after_us = queue_item_status_after_us(r->item, w.now_us);
    w.pods = caches_pods_of(c, r->job.uid, &w.pod_count);
    w.nodes = caches_nodes_of(c, w.pods, w.pod_count, r->arena, &w.node_count);
    read_reports(r, &w);
    memcpy(w.confidential_nodes, c->confidential_nodes, sizeof(w.confidential_nodes));
    memcpy(w.spot_nodes, c->spot_nodes, sizeof(w.spot_nodes));
    notifier_follow(r->reconciler->notifier, &r->job);
    w.delivered = notifier_delivered(r->reconciler->notifier, &r->job, r->arena, &w.delivered_count);
    if (must_list_pods(r, &w))
        return;
    struct plan plan = plan_job(&w, r->arena);
    keep_plan(r, &plan);
}

/* ---- carrying the plan out ---- */
static void log_action(const struct reconcile *r, const struct action *a)
{
    log_info(action_description(a->kind), "action", action_kind_name(a->kind), "why",
             a->why != NULL ? a->why : "", "namespace", r->job.ns, "job", r->job.name,
             a->name != NULL ? "object" : NULL, a->name, NULL);
}

/* Events and the next wake-up are not waited for; true when the action was one of these. */
static bool do_without_waiting(struct reconcile *r, const struct action *a)
{
    if (a->kind == ACTION_WAKE_AT) {
        r->wake_us = a->at_us;
        return true;
    }
    if (a->kind == ACTION_EVENT)
        recorder_event(r->reconciler->recorder, &r->job, a);
    return a->kind == ACTION_EVENT;
}

static struct write *free_write(struct reconcile *r)
{
    for (size_t i = 0; i < WRITES_MAX; i++)
        if (r->writes[i].action == NULL)
            return &r->writes[i];
    return NULL;
}

/* The job was deleted while it was being reconciled: nothing more is created for it. */
static bool is_obsolete(const struct reconcile *r, const struct action *a)
{
    if (a->kind != ACTION_CREATE_POD && a->kind != ACTION_CREATE_SERVICE && a->kind != ACTION_CREATE_POLICY)
        return false;
    const struct cached_job *now = caches_job(r->reconciler->caches, r->job.ns, r->job.name);
    return now == NULL || now->is_deleting || strcmp(now->uid, r->job.uid) != 0;
}

bool reconciler_may_write(const struct reconciler *reconciler)
{
    return reconciler->may_write && (reconciler->leader == NULL || leader_is_leading(reconciler->leader));
}

static bool is_in_flight(const struct reconcile *r, enum action_kind kind)
{
    for (size_t i = 0; i < WRITES_MAX; i++)
        if (r->writes[i].action != NULL && r->writes[i].action->kind == kind)
            return true;
    return false;
}

/*
 * The status is written, or confirmed, before anything that follows from it. Service and NetworkPolicy do
 * not: they are the same for every attempt, and creating them at the same time saves a round trip. No pod is
 * created before the policy that selects it.
 */
static bool must_wait(const struct reconcile *r, const struct action *a)
{
    if (a->kind == ACTION_CREATE_SERVICE || a->kind == ACTION_CREATE_POLICY)
        return false;
    return is_in_flight(r, ACTION_SET_STATUS) || is_in_flight(r, ACTION_CONFIRM_JOB) ||
           (a->kind == ACTION_CREATE_POD && is_in_flight(r, ACTION_CREATE_POLICY));
}

static void on_write_end(struct write *w);

static void start_write(struct reconcile *r, struct write *w, const struct action *a)
{
    log_action(r, a);
    *w = (struct write){.reconcile = r, .action = a, .on_end = on_write_end};
    r->in_flight++;
    write_start(w);
}

/* Starts what can be started now; ends the reconcile when nothing is in flight. */
static void go_on(struct reconcile *r)
{
    while (r->next < r->count && !r->is_failed && !r->is_refused) {
        const struct action *a = &r->actions[r->next];
        if (is_obsolete(r, a)) {
            r->next++;
            continue;
        }
        struct write *w = free_write(r);
        if (w == NULL || must_wait(r, a))
            return;
        if (!reconciler_may_write(r->reconciler)) {
            r->is_failed = true;
            break;
        }
        r->next++;
        if (!do_without_waiting(r, a))
            start_write(r, w, a);
    }
    if (r->in_flight == 0)
        end(r);
}

static void on_write_end(struct write *w)
{
    struct reconcile *r = w->reconcile;
    w->action = NULL;
    r->in_flight--;
    go_on(r);
}

/* ---- life ---- */
/* False when the cached text is not a job, which the API server's schema rules out. */
static bool read_job(struct reconcile *r, const struct cached_job *cached)
{
    struct err e CLEANUP(err_fini) = {0};
    if (cached_job_read(cached, r->arena, &r->tree, &r->job, &e) == 0)
        return true;
    log_failure(LOG_LEVEL_ERROR, &e, "cannot read a job", "namespace", cached->ns, "job", cached->name, NULL);
    return false;
}

void reconcile_start(const struct reconciler *reconciler, struct queue_item *item)
{
    struct reconcile *r = xcalloc(1, sizeof(*r));
    r->reconciler = reconciler;
    r->item = item;
    r->arena = arena_new();
    r->departed = item->departed_count;
    item->reconcile = r;
    if (read_job(r, caches_job(reconciler->caches, item->ns, item->name)))
        make_plan(r);
    go_on(r);
}

void reconcile_cancel(struct reconcile *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < WRITES_MAX; i++)
        kube_call_cancel(r->writes[i].call);
    reconcile_free(r);
}
