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
#include "shell/reconcile/reconcile_int.h"

#include "base/banned.h"

static void reconcile_free(struct reconcile *p)
{
    p->task->pass = NULL;
    json_decref(p->tree);
    arena_free(p->arena);
    free(p);
}

static void end(struct reconcile *p)
{
    struct queue_item *task = p->task;
    const struct reconciler *pw = p->pw;
    int64_t wake_us = p->wake_us, retry_ms = p->retry_ms;
    enum reconcile_result how = p->is_failed    ? RECONCILE_ERROR
                                : p->is_refused ? RECONCILE_REQUEUE
                                                : RECONCILE_SUCCESS;
    if (p->is_created && !p->is_refused)
        queue_item_note_created(task);
    if (how == RECONCILE_SUCCESS)
        queue_item_forget_departed(task, p->departed);
    reconcile_free(p);
    pw->on_end(task, how, wake_us, retry_ms);
}

/* plan() borrows from the caches, which change while the writes are out. */
static void keep_plan(struct reconcile *p, const struct plan *plan)
{
    p->actions = arena_calloc(p->arena, plan->count + 1, sizeof(*p->actions));
    p->count = plan->count;
    for (size_t i = 0; i < plan->count; i++)
        p->actions[i] = action_copy(&plan->actions[i], p->arena);
}

/*
 * The status counts more pods than the cache shows or was seen to lose: they are gone without a trace, or
 * the cache is older than a status that another operator wrote. A list tells, asked for once for that status.
 */
static bool must_list_pods(struct reconcile *p, const struct world *w)
{
    const struct job_status *s = &p->job.status;
    struct gang gang;
    gang_init(&gang, w, s->attempt, p->arena);
    if (gang_missing(&gang, s) <= 0 || status_is_finished(s) ||
        !queue_item_note_relist(p->task, p->job.resource_version))
        return false;
    expect(&p->task->expectations, EXPECT_LIST, CACHE_PODS, p->job.name, NULL);
    p->task->is_dirty = true;
    p->departed = 0;
    return true;
}

/* How a job ended stands in its status and its pods; what agents had posted would only take memory. */
static void read_reports(const struct reconcile *p, struct world *w)
{
    if (!status_is_finished(&p->job.status)) {
        w->reports = reports_by_pod_get(p->pw->posts, w->pods, w->pod_count, p->arena, &w->report_count);
        return;
    }
    for (size_t i = 0; i < w->pod_count; i++)
        reports_by_pod_forget(p->pw->posts, w->pods[i]->uid);
}

static void make_plan(struct reconcile *p)
{
    const struct caches *c = p->pw->caches;
    char service[NAME_SIZE];
    if (!job_is_ours(&p->job))
        return;
    char policy[NAME_SIZE];
    name_service(p->job.name, service);
    name_policy(p->job.name, p->job.uid, policy);
    struct world w = {.now_us = clock_wall_us(),
                      .config = p->pw->config,
                      .job = &p->job,
                      .ns = caches_namespace(c, p->job.ns),
                      .service = caches_service(c, p->job.ns, service),
                      .policy = caches_policy(c, p->job.ns, policy),
                      .departed = (const struct pod_facts *const *)p->task->departed,
                      .departed_count = p->departed,
                      .refusal = queue_item_refusal(p->task),
                      .scaling = queue_item_scaling(p->task)};
    w.status_after_us = queue_item_status_after_us(p->task, w.now_us);
    w.pods = caches_pods_of(c, p->job.uid, &w.pod_count);
    w.nodes = caches_nodes_of(c, w.pods, w.pod_count, p->arena, &w.node_count);
    read_reports(p, &w);
    memcpy(w.confidential_nodes, c->confidential_nodes, sizeof(w.confidential_nodes));
    memcpy(w.spot_nodes, c->spot_nodes, sizeof(w.spot_nodes));
    notifier_follow(p->pw->notifier, &p->job);
    w.notified = notifier_delivered(p->pw->notifier, &p->job, p->arena, &w.notified_count);
    if (must_list_pods(p, &w))
        return;
    struct plan plan = plan_job(&w, p->arena);
    keep_plan(p, &plan);
}

static void tell(const struct reconcile *p, const struct action *a)
{
    log_info(a->why != NULL ? a->why : "", "action", action_kind_name(a->kind), "namespace", p->job.ns, "job",
             p->job.name, a->name != NULL ? "object" : NULL, a->name, NULL);
}

/* Actions that are no writes that matter are done at once; true when the action was one. */
static bool do_at_once(struct reconcile *p, const struct action *a)
{
    if (a->kind == ACTION_WAKE_AT) {
        p->wake_us = a->at_us;
        return true;
    }
    if (a->kind == ACTION_EVENT)
        recorder_event(p->pw->recorder, &p->job, a);
    return a->kind == ACTION_EVENT;
}

static struct write *free_write(struct reconcile *p)
{
    for (size_t i = 0; i < WRITES_AT_ONCE; i++)
        if (p->writes[i].action == NULL)
            return &p->writes[i];
    return NULL;
}

/* The job was deleted while the pass ran: whoever knows that creates nothing more for it. */
static bool is_void(const struct reconcile *p, const struct action *a)
{
    if (a->kind != ACTION_CREATE_POD && a->kind != ACTION_CREATE_SERVICE && a->kind != ACTION_CREATE_POLICY)
        return false;
    const struct cached_job *now = caches_job(p->pw->caches, p->job.ns, p->job.name);
    return now == NULL || now->is_deleting || strcmp(now->uid, p->job.uid) != 0;
}

bool reconciler_may_write(const struct reconciler *pw)
{
    return pw->may_write && (pw->leader == NULL || leader_is_leading(pw->leader));
}

static bool is_in_flight(const struct reconcile *p, enum action_kind kind)
{
    for (size_t i = 0; i < WRITES_AT_ONCE; i++)
        if (p->writes[i].action != NULL && p->writes[i].action->kind == kind)
            return true;
    return false;
}

/*
 * The status, or the question for it, is taken before anything follows from it. Service and policy do not:
 * they are the same for every attempt, so that they save a round trip beside it. No pod comes before the
 * policy that is about it.
 */
static bool must_wait(const struct reconcile *p, const struct action *a)
{
    if (a->kind == ACTION_CREATE_SERVICE || a->kind == ACTION_CREATE_POLICY)
        return false;
    return is_in_flight(p, ACTION_SET_STATUS) || is_in_flight(p, ACTION_CONFIRM_JOB) ||
           (a->kind == ACTION_CREATE_POD && is_in_flight(p, ACTION_CREATE_POLICY));
}

void reconcile_continue(struct reconcile *p)
{
    while (p->next < p->count && !p->is_failed && !p->is_refused) {
        const struct action *a = &p->actions[p->next];
        if (is_void(p, a)) {
            p->next++;
            continue;
        }
        struct write *w = free_write(p);
        if (w == NULL || must_wait(p, a))
            return;
        if (!reconciler_may_write(p->pw)) {
            p->is_failed = true;
            break;
        }
        p->next++;
        if (do_at_once(p, a))
            continue;
        tell(p, a);
        w->pass = p;
        w->action = a;
        p->in_flight++;
        write_start(w);
    }
    if (p->in_flight == 0)
        end(p);
}

/* The cached text as a job; false when it is none, which the API server's schema rules out. */
static bool read_job(struct reconcile *p, const struct cached_job *cached)
{
    struct err e CLEANUP(err_fini) = {0};
    if (cached_job_read(cached, p->arena, &p->tree, &p->job, &e) == 0)
        return true;
    log_failure(LOG_LEVEL_ERROR, &e, "cannot read a job", "namespace", cached->ns, "job", cached->name, NULL);
    return false;
}

void reconcile_start(const struct reconciler *pw, struct queue_item *task)
{
    struct reconcile *p = xcalloc(1, sizeof(*p));
    p->pw = pw;
    p->task = task;
    p->arena = arena_new();
    p->departed = task->departed_count;
    task->pass = p;
    if (read_job(p, caches_job(pw->caches, task->ns, task->name)))
        make_plan(p);
    reconcile_continue(p);
}

void reconcile_cancel(struct reconcile *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < WRITES_AT_ONCE; i++)
        kube_call_cancel(p->writes[i].call);
    reconcile_free(p);
}
