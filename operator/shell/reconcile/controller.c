#include "shell/reconcile/controller.h"

#include <string.h>

#include "base/alloc.h"
#include "os/log.h"
#include "os/loop.h"
#include "shell/notify/notifier.h"
#include "shell/reconcile/reconcile.h"

#include "base/banned.h"

/* Changes come in flocks: one pass for all of a few milliseconds. */
enum { GATHER_MS = 3, LOOK_AGAIN_MS = 20 };
/* After that, a write that no cache has shown is looked for, and a change that came in between is looked at.
 */
enum { UNSEEN_MS = 1000 };
/* More at once would not be faster: the API server is busy with those. What waits is planned on newer facts.
 */
enum { MAX_CONCURRENT_RECONCILES = 8 };

struct controller {
    struct loop *loop;
    struct caches *caches;
    struct recorder *recorder;
    struct reports_by_pod *posts;
    struct telemetry *telemetry;
    struct notifier *notifier;
    struct store *tasks;
    struct reconciler reconciler;
    size_t passes;                                   /* that run */
    struct queue_item *first_waiting, *last_waiting; /* for one of them to end */
    struct loop_source *stopped;                     /* tells that it has; NULL: it was not asked to stop */
    void (*on_stopped)(void *context);
    void *stopped_context;
};

/* ---- passes ---- */
static bool is_working(const struct controller *c)
{
    return c->passes > 0 || !recorder_is_idle(c->recorder);
}

static void wait_in_line(struct controller *c, struct queue_item *t)
{
    t->is_waiting = true;
    t->next_waiting = NULL;
    *(c->first_waiting == NULL ? &c->first_waiting : &c->last_waiting->next_waiting) = t;
    c->last_waiting = t;
}

static void let_next_in(struct controller *c)
{
    struct queue_item *t = c->first_waiting;
    if (t == NULL)
        return;
    c->first_waiting = t->next_waiting;
    t->is_waiting = false;
    queue_item_schedule(t, 0);
}

static void forget_item(struct controller *c, struct queue_item *t)
{
    void *taken = store_take(c->tasks, t->ns, t->name);
    reconcile_cancel(t->pass);
    notifier_forget(c->notifier, t->ns, t->name);
    queue_item_free(taken);
}

/* What was remembered of another job of that name is void. */
static void know_job(struct queue_item *t, const struct cached_job *job)
{
    if (strcmp(job->uid, t->uid) != 0)
        queue_item_reset(t, job->uid);
}

/* False when the job needs no pass now: it is gone, or there will be another occasion. */
static bool begin_reconcile(struct controller *c, struct queue_item *t)
{
    int64_t wait_ms, late_ms = clock_boot_ms() - t->ready_ms;
    t->ready_ms = 0;
    /* The end of the list that is coming touches every job. */
    if (!c->reconciler.may_write || !caches_are_current(c->caches))
        return false;
    const struct cached_job *job = caches_job(c->caches, t->ns, t->name);
    if (job == NULL) {
        forget_item(c, t);
        return false;
    }
    know_job(t, job);
    if (!expectations_are_met(&t->expectations, c->caches, t->ns, &wait_ms)) {
        telemetry_stale_skip(c->telemetry);
        queue_item_schedule(t, wait_ms);
        return false;
    }
    t->is_dirty = false;
    c->passes++;
    t->begun_ms = clock_boot_ms();
    telemetry_reconcile_begun(c->telemetry, late_ms);
    reconcile_start(&c->reconciler, t);
    return true;
}

static void on_due(void *context)
{
    struct queue_item *t = context;
    struct controller *c = t->controller;
    if (t->ready_ms == 0)
        t->ready_ms = t->due_ms;
    queue_item_unschedule(t);
    if (t->is_waiting)
        return;
    if (t->pass != NULL)
        t->is_dirty = true;
    else if (c->passes >= MAX_CONCURRENT_RECONCILES)
        wait_in_line(c, t);
    else if (!begin_reconcile(c, t))
        let_next_in(c);
}

static void on_reconciled(struct queue_item *t, enum reconcile_result end, int64_t wake_us, int64_t retry_ms)
{
    struct controller *c = t->controller;
    int64_t pause_ms;
    telemetry_reconcile_ended(c->telemetry, end, wake_us != 0, clock_boot_ms() - t->begun_ms);
    c->passes--;
    switch (end) {
    case RECONCILE_SUCCESS:
        backoff_reset(&t->backoff);
        if (wake_us != 0) {
            int64_t delay_us = wake_us - clock_wall_us();
            queue_item_schedule(t, delay_us > 0 ? delay_us / 1000 + 1 : 0);
        }
        break;
    case RECONCILE_REQUEUE: queue_item_schedule(t, GATHER_MS); break;
    case RECONCILE_ERROR:
        pause_ms = backoff_next_ms(&t->backoff);
        /* What has changed meanwhile is mostly what it failed for: the plan was made on an older job. */
        if (t->is_dirty && pause_ms > UNSEEN_MS)
            pause_ms = UNSEEN_MS;
        queue_item_hold(t, retry_ms);
        queue_item_schedule(t, pause_ms);
        break;
    }
    let_next_in(c);
    /* Own writes come back as changes, so nothing is lost by looking at the caches once more. */
    if (t->is_dirty && end != RECONCILE_ERROR)
        queue_item_schedule(t, GATHER_MS);
    /* Nor when they do not: who waits for them looks now and then. */
    if (end == RECONCILE_SUCCESS && t->expectations.first != NULL)
        queue_item_schedule(t, UNSEEN_MS);
}

/* ---- changes ---- */
static void enqueue_job(struct controller *c, const char *ns, const char *name)
{
    struct queue_item *t = store_get(c->tasks, ns, name);
    if (!c->reconciler.may_write)
        return;
    if (t == NULL) {
        /* A child whose job is gone is the garbage collector's. */
        if (caches_job(c->caches, ns, name) == NULL)
            return;
        t = queue_item_new(c->loop, ns, name, on_due, c);
        (void)!store_put(c->tasks, ns, name, t);
        queue_item_schedule(t, 0); /* a new job has no flock to wait for */
    }
    queue_item_schedule(t, GATHER_MS);
}

static void enqueue(void *context, const char *ns, const char *name)
{
    struct controller *c = context;
    void *cursor = NULL;
    struct queue_item *t;
    if (name != NULL) {
        enqueue_job(c, ns, name);
        return;
    }
    while ((t = store_next(c->tasks, &cursor)) != NULL)
        if (ns == NULL || strcmp(t->ns, ns) == 0)
            queue_item_schedule(t, GATHER_MS);
}

static void on_job_turned(void *context, const struct cached_job *before, const struct cached_job *after)
{
    struct controller *c = context;
    if (c->reconciler.may_write)
        telemetry_job(c->telemetry, before, after);
}

static void on_child_gone(void *context, const char *ns, const char *job_name, const char *uid)
{
    struct controller *c = context;
    struct queue_item *t = store_get(c->tasks, ns, job_name);
    reports_by_pod_forget(c->posts, uid);
    if (t != NULL)
        expectations_note_gone(&t->expectations, uid);
}

/* Until the next pass; of an attempt that is over, nothing is left to decide. */
static void on_pod_gone(void *context, const struct pod_facts *last)
{
    struct controller *c = context;
    struct queue_item *t = store_get(c->tasks, last->ns, last->job_name);
    const struct cached_job *job = caches_job(c->caches, last->ns, last->job_name);
    if (t == NULL || job == NULL || last->attempt < job->attempt)
        return;
    if (t->pass == NULL)
        know_job(t, job);
    if (strcmp(last->owner_uid, t->uid) == 0)
        queue_item_note_departed(t, last);
}

/* ---- reports ---- */
bool controller_takes_reports(const struct controller *c)
{
    return c->reconciler.may_write && controller_is_ready(c);
}

/* Of the job's status; -1 when that pod belongs to no job that is there. */
static int32_t attempt_of_job(const struct controller *c, const struct pod_facts *pod)
{
    const struct cached_job *job = caches_job(c->caches, pod->ns, pod->job_name);
    if (job == NULL || strcmp(job->uid, pod->owner_uid) != 0)
        return -1;
    return job->attempt;
}

int controller_take_report(struct controller *c, const char *ns, const char *pod_name, const char *pod_uid,
                           const json_t *report, struct err *e)
{
    const struct pod_facts *pod = caches_pod(c->caches, ns, pod_name);
    int32_t attempt = pod == NULL || strcmp(pod->uid, pod_uid) != 0 ? -1 : attempt_of_job(c, pod);
    if (attempt < 0)
        return FAIL_OBJECT(e, ERR_DENIED, pod_name, "pod %s/%s is no worker of a job", ns, pod_name);
    if (attempt != pod->attempt)
        return FAIL_OBJECT(e, ERR_SUPERSEDED, pod_name, "pod %s/%s is of attempt %d, its job is at %d", ns,
                           pod_name, (int)pod->attempt, (int)attempt);
    struct report_facts *facts = report_facts_new(report, pod, e);
    if (facts == NULL)
        return -1;
    if (reports_by_pod_put(c->posts, facts))
        enqueue_job(c, ns, pod->job_name);
    return 0;
}

static bool may_notify(void *context)
{
    const struct controller *c = context;
    return reconciler_may_write(&c->reconciler);
}

/* ---- life ---- */
struct controller *controller_new(struct loop *loop, struct kube_client *client, const struct config *config,
                                  const struct notify_config *targets, const char *ns, const char *instance,
                                  struct telemetry *telemetry)
{
    struct controller *c = xcalloc(1, sizeof(*c));
    struct caches_listener listener = {enqueue, on_job_turned, on_child_gone, on_pod_gone, c};
    c->loop = loop;
    c->telemetry = telemetry;
    c->tasks = store_new(queue_item_free);
    c->recorder = recorder_new(loop, client, instance, telemetry);
    c->posts = reports_by_pod_new();
    c->caches = caches_new(loop, client, ns, &listener);
    c->reconciler = (struct reconciler){.client = client,
                                        .caches = c->caches,
                                        .posts = c->posts,
                                        .config = config,
                                        .recorder = c->recorder,
                                        .on_end = on_reconciled};
    struct notifier_host host = {.loop = loop,
                                 .caches = c->caches,
                                 .recorder = c->recorder,
                                 .telemetry = telemetry,
                                 .targets = targets,
                                 .config = config,
                                 .may_send = may_notify,
                                 .on_delivered = enqueue,
                                 .context = c};
    c->notifier = notifier_new(&host);
    c->reconciler.notifier = c->notifier;
    return c;
}

void controller_free(struct controller *c)
{
    void *cursor = NULL;
    struct queue_item *t;
    if (c == NULL)
        return;
    while ((t = store_next(c->tasks, &cursor)) != NULL)
        reconcile_cancel(t->pass);
    loop_source_free(c->stopped);
    notifier_free(c->notifier);
    caches_free(c->caches);
    recorder_free(c->recorder);
    reports_by_pod_free(c->posts);
    store_free(c->tasks);
    free(c);
}

void controller_lead(struct controller *c, const struct leader *leader)
{
    void *cursor = NULL;
    const struct cached_job *job;
    c->reconciler.leader = leader;
    c->reconciler.may_write = c->stopped == NULL;
    if (leader != NULL)
        caches_refresh(c->caches);
    while ((job = store_next(informer_store(c->caches->informers[CACHE_JOBS]), &cursor)) != NULL)
        enqueue_job(c, job->ns, job->name);
}

static void on_stopped(void *context)
{
    struct controller *c = context;
    if (is_working(c))
        loop_timer_set(c->stopped, LOOK_AGAIN_MS);
    else
        c->on_stopped(c->stopped_context);
}

void controller_stop(struct controller *c, void (*fn)(void *context), void *context)
{
    c->reconciler.may_write = false;
    c->on_stopped = fn;
    c->stopped_context = context;
    c->stopped = loop_add_timer(c->loop, on_stopped, c);
    loop_timer_set(c->stopped, 0);
}

/* ---- questions ---- */
/* The queue holds what was touched and what could not be done; not what is due some time. */
static void look_at_tasks(const struct controller *c, struct telemetry_now *now)
{
    void *cursor = NULL;
    const struct queue_item *t;
    int64_t now_ms = clock_boot_ms();
    while ((t = store_next(c->tasks, &cursor)) != NULL) {
        now->waiting += t->is_waiting || (t->due_ms != 0 && t->due_ms <= now_ms + GATHER_MS);
        if (t->pass == NULL)
            continue;
        int64_t running_ms = now_ms - t->begun_ms;
        now->running++;
        now->unfinished_ms += running_ms;
        if (running_ms > now->longest_ms)
            now->longest_ms = running_ms;
    }
}

void controller_write_metrics(const struct controller *c, const struct leader *leader, const char *lease_name,
                              struct strbuf *out)
{
    struct telemetry_now now = {0};
    size_t jobs[PHASE_COUNT] = {0};
    void *cursor = NULL;
    const struct cached_job *job;
    look_at_tasks(c, &now);
    while ((job = store_next(informer_store(c->caches->informers[CACHE_JOBS]), &cursor)) != NULL)
        jobs[job->phase]++;
    now.jobs = c->reconciler.may_write ? jobs : NULL;
    telemetry_write(c->telemetry, &now, leader, lease_name, out);
}

bool controller_is_ready(const struct controller *c)
{
    return caches_are_synced(c->caches);
}
