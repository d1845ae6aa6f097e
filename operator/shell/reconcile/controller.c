#include "shell/reconcile/controller.h"

#include <string.h>

#include "base/alloc.h"
#include "os/log.h"
#include "os/loop.h"
#include "shell/notify/notifier.h"
#include "shell/reconcile/reconcile.h"

#include "base/banned.h"

enum {
    /* Changes arrive in bursts: one reconcile covers all that arrive within this time. */
    DEBOUNCE_MS = 3,
    /* How soon a job is reconciled again while a cache does not show its writes, or after an error when the
     * job has changed since. */
    RECHECK_MS = 1000,
    /* More would not be faster, since the API server is the bottleneck; those that wait see newer caches. */
    MAX_CONCURRENT_RECONCILES = 8,
    STOP_POLL_MS = 20,
};

struct controller {
    struct loop *loop;
    struct caches *caches;
    struct recorder *recorder;
    struct reports_by_pod *reports;
    struct telemetry *telemetry;
    struct notifier *notifier;
    struct store *queue; /* of struct queue_item, one for each job */
    struct reconciler reconciler;
    size_t active;                         /* running reconciles */
    struct queue_item *ready, *last_ready; /* due, in order; they wait for a running one to end */
    struct loop_source *stop_timer;        /* NULL: controller_stop was not called */
    void (*on_stopped)(void *context);
    void *stopped_context;
};

/* ---- reconciling ---- */
static bool is_working(const struct controller *c)
{
    return c->active > 0 || !recorder_is_idle(c->recorder);
}

static void append_ready(struct controller *c, struct queue_item *item)
{
    item->is_ready = true;
    item->next_ready = NULL;
    *(c->ready == NULL ? &c->ready : &c->last_ready->next_ready) = item;
    c->last_ready = item;
}

static void schedule_next_ready(struct controller *c)
{
    struct queue_item *item = c->ready;
    if (item == NULL)
        return;
    c->ready = item->next_ready;
    item->is_ready = false;
    queue_item_schedule(item, 0);
}

static void remove_item(struct controller *c, struct queue_item *item)
{
    void *taken = store_take(c->queue, item->ns, item->name);
    reconcile_cancel(item->reconcile);
    notifier_forget(c->notifier, item->ns, item->name);
    queue_item_free(taken);
}

/* A new job under the name of a deleted one starts without what was remembered of that one. */
static void reset_if_replaced(struct queue_item *item, const struct cached_job *job)
{
    if (strcmp(job->uid, item->uid) != 0)
        queue_item_reset(item, job->uid);
}

/* False when the job is not reconciled now: it is gone, or it will be enqueued again. */
static bool begin_reconcile(struct controller *c, struct queue_item *item)
{
    int64_t wait_ms, late_ms = clock_boot_ms() - item->due_since_ms;
    item->due_since_ms = 0;
    /* While a cache is being listed, its view is of mixed age; the end of the list enqueues every job. */
    if (!c->reconciler.may_write || !caches_are_current(c->caches))
        return false;
    const struct cached_job *job = caches_job(c->caches, item->ns, item->name);
    if (job == NULL) {
        remove_item(c, item);
        return false;
    }
    reset_if_replaced(item, job);
    if (!expectations_are_met(&item->expectations, c->caches, item->ns, &wait_ms)) {
        telemetry_stale_skip(c->telemetry);
        queue_item_schedule(item, wait_ms);
        return false;
    }
    item->is_dirty = false;
    c->active++;
    item->begun_ms = clock_boot_ms();
    telemetry_reconcile_begun(c->telemetry, late_ms);
    reconcile_start(&c->reconciler, item);
    return true;
}

static void on_due(void *context)
{
    struct queue_item *item = context;
    struct controller *c = item->controller;
    if (item->due_since_ms == 0)
        item->due_since_ms = item->due_ms;
    queue_item_unschedule(item);
    if (item->is_ready)
        return;
    if (item->reconcile != NULL)
        item->is_dirty = true;
    else if (c->active >= MAX_CONCURRENT_RECONCILES)
        append_ready(c, item);
    else if (!begin_reconcile(c, item))
        schedule_next_ready(c);
}

static void schedule_retry(struct queue_item *item, int64_t retry_ms)
{
    int64_t pause_ms = backoff_next_ms(&item->backoff);
    /* A conflict is the usual error: the plan was made on an older job. The newer one may go through. */
    if (item->is_dirty && pause_ms > RECHECK_MS)
        pause_ms = RECHECK_MS;
    queue_item_hold(item, retry_ms);
    queue_item_schedule(item, pause_ms);
}

static void schedule_wake(struct queue_item *item, int64_t wake_us)
{
    int64_t delay_us = wake_us - clock_wall_us();
    queue_item_schedule(item, delay_us > 0 ? delay_us / 1000 + 1 : 0);
}

static void on_reconciled(struct queue_item *item, enum reconcile_result result, int64_t wake_us,
                          int64_t retry_ms)
{
    struct controller *c = item->controller;
    telemetry_reconcile_ended(c->telemetry, result, wake_us != 0, clock_boot_ms() - item->begun_ms);
    c->active--;
    switch (result) {
    case RECONCILE_SUCCESS:
        backoff_reset(&item->backoff);
        if (wake_us != 0)
            schedule_wake(item, wake_us);
        break;
    case RECONCILE_REQUEUE: queue_item_schedule(item, DEBOUNCE_MS); break;
    case RECONCILE_ERROR: schedule_retry(item, retry_ms); break;
    }
    schedule_next_ready(c);
    /* Changes that arrived meanwhile, among them the reconcile's own writes. */
    if (item->is_dirty && result != RECONCILE_ERROR)
        queue_item_schedule(item, DEBOUNCE_MS);
    /* A write whose change never arrives is noticed by checking the expectations now and then. */
    if (result == RECONCILE_SUCCESS && item->expectations.first != NULL)
        queue_item_schedule(item, RECHECK_MS);
}

/* ---- changes ---- */
static void enqueue_job(struct controller *c, const char *ns, const char *name)
{
    struct queue_item *item = store_get(c->queue, ns, name);
    if (!c->reconciler.may_write)
        return;
    if (item == NULL) {
        /* The children of a job that is gone are left to the garbage collector. */
        if (caches_job(c->caches, ns, name) == NULL)
            return;
        item = queue_item_new(c->loop, ns, name, on_due, c);
        queue_item_free(store_put(c->queue, ns, name, item));
        queue_item_schedule(item, 0); /* there is no burst to wait for */
    }
    queue_item_schedule(item, DEBOUNCE_MS);
}

static void enqueue(void *context, const char *ns, const char *name)
{
    struct controller *c = context;
    void *cursor = NULL;
    struct queue_item *item;
    if (name != NULL) {
        enqueue_job(c, ns, name);
        return;
    }
    while ((item = store_next(c->queue, &cursor)) != NULL)
        if (ns == NULL || strcmp(item->ns, ns) == 0)
            queue_item_schedule(item, DEBOUNCE_MS);
}

static void on_job_changed(void *context, const struct cached_job *before, const struct cached_job *after)
{
    struct controller *c = context;
    if (c->reconciler.may_write)
        telemetry_job_changed(c->telemetry, before, after);
}

static void on_child_deleted(void *context, const char *ns, const char *job_name, const char *uid)
{
    struct controller *c = context;
    struct queue_item *item = store_get(c->queue, ns, job_name);
    reports_by_pod_forget(c->reports, uid);
    if (item != NULL)
        expectations_note_deleted(&item->expectations, uid);
}

/* Kept for the next reconcile, unless the attempt is over: nothing is left to decide about that. */
static void on_pod_deleted(void *context, const struct pod_facts *last)
{
    struct controller *c = context;
    struct queue_item *item = store_get(c->queue, last->ns, last->job_name);
    const struct cached_job *job = caches_job(c->caches, last->ns, last->job_name);
    if (item == NULL || job == NULL || last->attempt < job->attempt)
        return;
    if (item->reconcile == NULL)
        reset_if_replaced(item, job);
    if (strcmp(last->owner_uid, item->uid) == 0)
        queue_item_note_departed(item, last);
}

/* ---- reports ---- */
bool controller_accepts_reports(const struct controller *c)
{
    return c->reconciler.may_write && controller_is_ready(c);
}

/* The current attempt of the pod's job; -1 when no such job exists. */
static int32_t attempt_of_job(const struct controller *c, const struct pod_facts *pod)
{
    const struct cached_job *job = caches_job(c->caches, pod->ns, pod->job_name);
    if (job == NULL || strcmp(job->uid, pod->owner_uid) != 0)
        return -1;
    return job->attempt;
}

int controller_accept_report(struct controller *c, const char *ns, const char *pod_name, const char *pod_uid,
                             const json_t *report, struct err *e)
{
    const struct pod_facts *pod = caches_pod(c->caches, ns, pod_name);
    int32_t attempt = pod == NULL || strcmp(pod->uid, pod_uid) != 0 ? -1 : attempt_of_job(c, pod);
    if (attempt < 0)
        return FAIL_OBJECT(e, ERR_SUPERSEDED, pod_name,
                           "pod %s/%s is not a worker of a TrainingJob, or no longer", ns, pod_name);
    if (attempt != pod->attempt)
        return FAIL_OBJECT(e, ERR_SUPERSEDED, pod_name,
                           "pod %s/%s belongs to attempt %d; the job's current attempt is %d", ns, pod_name,
                           (int)pod->attempt, (int)attempt);
    struct report_facts *facts = report_facts_new(report, pod, e);
    if (facts == NULL)
        return -1;
    if (reports_by_pod_put(c->reports, facts))
        enqueue_job(c, ns, pod->job_name);
    return 0;
}

static bool may_notify(void *context)
{
    const struct controller *c = context;
    return reconciler_may_write(&c->reconciler);
}

/* ---- life ---- */
struct controller *controller_new(const struct controller_options *options)
{
    struct controller *c = xcalloc(1, sizeof(*c));
    struct caches_listener listener = {enqueue, on_job_changed, on_child_deleted, on_pod_deleted, c};
    c->loop = options->loop;
    c->telemetry = options->telemetry;
    c->queue = store_new(queue_item_free);
    c->recorder = recorder_new(options->loop, options->client, options->instance, options->telemetry);
    c->reports = reports_by_pod_new();
    c->caches = caches_new(options->loop, options->client, options->ns, &listener);
    struct notifier_options notifications = {.loop = options->loop,
                                             .caches = c->caches,
                                             .recorder = c->recorder,
                                             .telemetry = options->telemetry,
                                             .targets = options->targets,
                                             .config = options->config,
                                             .may_send = may_notify,
                                             .on_delivered = enqueue,
                                             .context = c};
    c->notifier = notifier_new(&notifications);
    c->reconciler = (struct reconciler){.client = options->client,
                                        .caches = c->caches,
                                        .reports = c->reports,
                                        .config = options->config,
                                        .recorder = c->recorder,
                                        .notifier = c->notifier,
                                        .on_end = on_reconciled};
    return c;
}

void controller_free(struct controller *c)
{
    void *cursor = NULL;
    struct queue_item *item;
    if (c == NULL)
        return;
    while ((item = store_next(c->queue, &cursor)) != NULL)
        reconcile_cancel(item->reconcile);
    loop_source_free(c->stop_timer);
    notifier_free(c->notifier);
    caches_free(c->caches);
    recorder_free(c->recorder);
    reports_by_pod_free(c->reports);
    store_free(c->queue);
    free(c);
}

void controller_lead(struct controller *c, const struct leader *leader)
{
    void *cursor = NULL;
    const struct cached_job *job;
    c->reconciler.leader = leader;
    c->reconciler.may_write = c->stop_timer == NULL;
    if (leader != NULL)
        caches_refresh(c->caches);
    while ((job = store_next(informer_store(c->caches->informers[CACHE_JOBS]), &cursor)) != NULL)
        enqueue_job(c, job->ns, job->name);
}

static void on_stopped(void *context)
{
    struct controller *c = context;
    if (is_working(c))
        loop_timer_set(c->stop_timer, STOP_POLL_MS);
    else
        c->on_stopped(c->stopped_context);
}

void controller_stop(struct controller *c, void (*fn)(void *context), void *context)
{
    c->reconciler.may_write = false;
    c->on_stopped = fn;
    c->stopped_context = context;
    c->stop_timer = loop_add_timer(c->loop, on_stopped, c);
    loop_timer_set(c->stop_timer, 0);
}

/* ---- queries ---- */
/* A job that is only due at some later time does not count as queued, as in client-go's delaying queue. */
static void count_items(const struct controller *c, struct telemetry_gauges *gauges)
{
    void *cursor = NULL;
    const struct queue_item *item;
    int64_t now_ms = clock_boot_ms();
    while ((item = store_next(c->queue, &cursor)) != NULL) {
        gauges->queued += item->is_ready || (item->due_ms != 0 && item->due_ms <= now_ms + DEBOUNCE_MS);
        if (item->reconcile == NULL)
            continue;
        int64_t running_ms = now_ms - item->begun_ms;
        gauges->running++;
        gauges->unfinished_ms += running_ms;
        if (running_ms > gauges->longest_ms)
            gauges->longest_ms = running_ms;
    }
}

void controller_write_metrics(const struct controller *c, const struct leader *leader, const char *lease_name,
                              struct strbuf *out)
{
    struct telemetry_gauges gauges = {0};
    size_t jobs[PHASE_COUNT] = {0};
    void *cursor = NULL;
    const struct cached_job *job;
    count_items(c, &gauges);
    while ((job = store_next(informer_store(c->caches->informers[CACHE_JOBS]), &cursor)) != NULL)
        jobs[job->phase]++;
    gauges.jobs = c->reconciler.may_write ? jobs : NULL;
    telemetry_write(c->telemetry, &gauges, leader, lease_name, out);
}

bool controller_is_ready(const struct controller *c)
{
    return caches_are_synced(c->caches);
}
