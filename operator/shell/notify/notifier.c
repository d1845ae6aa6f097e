#include "shell/notify/notifier.h"

#include <string.h>

#include "base/alloc.h"
#include "kube/store.h"
#include "net/http_loop.h"
#include "os/log.h"
#include "os/loop.h"
#include "shell/metrics/telemetry.h"
#include "shell/notify/notifier_int.h"

#include "base/banned.h"

enum {
    IN_FLIGHT_MAX = 8,
    TARGET_IN_FLIGHT_MAX = 2,
    PAUSE_FIRST_MS = 1000,
    PAUSE_MAX_MS = 5 * 60 * 1000,
};

static void send_more(struct notifier *n);

/* ---- queues ---- */
static void enqueue(struct delivery *d)
{
    struct target *t = d->target;
    d->state = DELIVERY_PENDING;
    d->next = NULL;
    d->previous = t->last;
    *(t->last != NULL ? &t->last->next : &t->first) = d;
    t->last = d;
}

static void dequeue(struct delivery *d)
{
    struct target *t = d->target;
    *(d->previous != NULL ? &d->previous->next : &t->first) = d->next;
    *(d->next != NULL ? &d->next->previous : &t->last) = d->previous;
    d->next = d->previous = NULL;
}

static void leave_flight(struct delivery *d)
{
    d->call = NULL;
    d->target->in_flight--;
    d->target->notifier->in_flight--;
}

static void delivery_free(struct delivery *d)
{
    if (d->state == DELIVERY_PENDING)
        dequeue(d);
    if (d->state == DELIVERY_IN_FLIGHT) {
        http_call_cancel(d->call);
        leave_flight(d);
    }
    free(d->id);
    free(d);
}

static void notified_job_free(void *job)
{
    struct notified_job *j = job;
    if (j == NULL)
        return;
    while (j->deliveries != NULL) {
        struct delivery *next = j->deliveries->next_of_job;
        delivery_free(j->deliveries);
        j->deliveries = next;
    }
    free(j->ns);
    free(j->name);
    free(j);
}

/* ---- failed deliveries ---- */
static void on_pause_over(void *context)
{
    struct target *t = context;
    t->paused_until_ms = 0;
    send_more(t->notifier);
}

/* A request that was in flight when the pause began extends it only if its answer asks for more time. */
static void pause_target(struct target *t, int64_t least_ms)
{
    int64_t now_ms = clock_boot_ms(), pause_ms = least_ms;
    if (t->paused_until_ms == 0) {
        int64_t backoff_ms = backoff_next_ms(&t->backoff);
        pause_ms = backoff_ms > least_ms ? backoff_ms : least_ms;
    }
    t->is_failing = true;
    if (now_ms + pause_ms <= t->paused_until_ms)
        return;
    t->paused_until_ms = now_ms + pause_ms;
    loop_timer_set(t->timer, pause_ms);
}

/* At the end of the queue: a notification that the target rejects does not block others. */
static void retry_later(struct delivery *d, int64_t least_ms, const struct err *e)
{
    telemetry_notification(d->target->notifier->options.telemetry, d->target->config->name, false);
    log_failure(LOG_LEVEL_WARNING, e, "cannot deliver a notification, retrying", "target",
                d->target->config->name, "id", d->id, "namespace", d->job->ns, "job", d->job->name, NULL);
    delivery_record_failure(d, e);
    enqueue(d);
    pause_target(d->target, least_ms);
}

static void on_done(void *context, const struct http_response *r, const struct err *transport)
{
    struct delivery *d = context;
    struct target *t = d->target;
    struct notifier *n = t->notifier;
    struct err e CLEANUP(err_fini) = {0};
    leave_flight(d);
    if (delivery_check_answer(d, r, transport, &e) < 0) {
        int retry_seconds = http_response_retry_after(r, clock_wall_us());
        retry_later(d, (int64_t)retry_seconds * 1000, &e);
    } else {
        telemetry_notification(n->options.telemetry, t->config->name, true);
        d->state = DELIVERY_DONE;
        t->is_failing = false;
        backoff_reset(&t->backoff);
        n->options.on_delivered(n->options.context, d->job->ns, d->job->name);
    }
    send_more(n);
}

/* Without a token nothing can be published: the first delivery of each topic has failed. */
static void on_token(void *context, const struct err *e)
{
    struct notifier *n = context;
    for (size_t i = 0; e != NULL && i < n->target_count; i++) {
        struct target *t = &n->targets[i];
        struct delivery *d = t->config->topic != NULL && t->paused_until_ms == 0 ? t->first : NULL;
        if (d == NULL)
            continue;
        dequeue(d);
        retry_later(d, 0, e);
    }
    send_more(n);
}

/* ---- sending ---- */
static void start_delivery(struct delivery *d)
{
    struct notifier *n = d->target->notifier;
    struct err e CLEANUP(err_fini) = {0};
    dequeue(d);
    d->state = DELIVERY_IN_FLIGHT;
    d->target->in_flight++;
    n->in_flight++;
    enum send_result result = delivery_send(d, on_done, &e);
    if (result == SEND_STARTED)
        return;
    leave_flight(d);
    if (result == SEND_FAILED)
        retry_later(d, 0, &e);
    else
        d->state = DELIVERY_DONE; /* no longer pending: the next notifier_follow removes it */
}

/* A failing target gets one request at a time. */
static bool is_available(const struct target *t)
{
    size_t max = t->is_failing ? 1 : TARGET_IN_FLIGHT_MAX;
    if (t->first == NULL || t->paused_until_ms != 0 || t->in_flight >= max)
        return false;
    return t->config->topic == NULL || loop_token_get(t->notifier->token) != NULL;
}

/* Round robin over the targets. */
static void send_more(struct notifier *n)
{
    size_t idle = 0;
    if (!n->options.may_send(n->options.context))
        return;
    while (idle < n->target_count && n->in_flight < IN_FLIGHT_MAX) {
        struct target *t = &n->targets[n->next_target];
        n->next_target = (n->next_target + 1) % n->target_count;
        if (is_available(t)) {
            start_delivery(t->first);
            idle = 0;
        } else {
            idle++;
        }
    }
}

/* ---- jobs ---- */
static struct target *find_target(struct notifier *n, const char *name)
{
    for (size_t i = 0; i < n->target_count; i++)
        if (strcmp(n->targets[i].config->name, name) == 0)
            return &n->targets[i];
    return NULL;
}

static struct delivery *find_delivery(const struct notified_job *j, const char *id, const struct target *t)
{
    struct delivery *d = j->deliveries;
    while (d != NULL && (d->target != t || strcmp(d->id, id) != 0))
        d = d->next_of_job;
    return d;
}

static void follow_one(struct notified_job *j, struct target *t, const char *id)
{
    struct delivery *d = find_delivery(j, id, t);
    if (d == NULL) {
        d = xcalloc(1, sizeof(*d));
        d->job = j;
        d->target = t;
        d->id = xstrdup(id);
        d->next_of_job = j->deliveries;
        j->deliveries = d;
        enqueue(d);
    }
    d->is_still_pending = true;
}

static void drop_no_longer_pending(struct notified_job *j)
{
    for (struct delivery **at = &j->deliveries; *at != NULL;) {
        struct delivery *d = *at;
        if (d->is_still_pending) {
            d->is_still_pending = false;
            at = &d->next_of_job;
        } else {
            *at = d->next_of_job;
            delivery_free(d);
        }
    }
}

void notifier_follow(struct notifier *n, const struct job *job)
{
    const struct job_status *s = &job->status;
    struct notified_job *j = store_get(n->jobs, job->ns, job->name);
    if (j == NULL && s->notification_count == 0)
        return;
    if (j == NULL) {
        j = xcalloc(1, sizeof(*j));
        j->ns = xstrdup(job->ns);
        j->name = xstrdup(job->name);
        notified_job_free(store_put(n->jobs, job->ns, job->name, j));
    }
    for (size_t i = 0; i < s->notification_count; i++) {
        const struct status_notification *one = &s->notifications[i];
        for (size_t k = 0; k < one->target_count; k++) {
            struct target *t = find_target(n, one->targets[k]);
            if (t != NULL)
                follow_one(j, t, one->id);
        }
    }
    drop_no_longer_pending(j);
    if (j->deliveries == NULL)
        notified_job_free(store_take(n->jobs, job->ns, job->name));
    send_more(n);
}

void notifier_forget(struct notifier *n, const char *ns, const char *name)
{
    struct notified_job *j = store_take(n->jobs, ns, name);
    if (j == NULL)
        return;
    notified_job_free(j);
    send_more(n); /* requests for it were cancelled, so that others may start */
}

const struct delivered *notifier_delivered(const struct notifier *n, const struct job *job, struct arena *a,
                                           size_t *ret_count)
{
    const struct notified_job *j = store_get(n->jobs, job->ns, job->name);
    size_t count = 0;
    for (const struct delivery *d = j == NULL ? NULL : j->deliveries; d != NULL; d = d->next_of_job)
        count += d->state == DELIVERY_DONE;
    struct delivered *list = arena_calloc(a, count + 1, sizeof(*list));
    *ret_count = count;
    count = 0;
    for (const struct delivery *d = j == NULL ? NULL : j->deliveries; d != NULL; d = d->next_of_job)
        if (d->state == DELIVERY_DONE)
            list[count++] = (struct delivered){d->id, d->target->config->name};
    return list;
}

/* ---- life ---- */
struct notifier *notifier_new(const struct notifier_options *options)
{
    struct notifier *n = xcalloc(1, sizeof(*n));
    bool needs_token = false;
    n->options = *options;
    n->jobs = store_new(notified_job_free);
    n->target_count = options->targets->count;
    n->targets = xcalloc(n->target_count + 1, sizeof(*n->targets));
    for (size_t i = 0; i < n->target_count; i++) {
        struct target *t = &n->targets[i];
        target_init(t, n, &options->targets->targets[i]);
        t->timer = loop_add_timer(options->loop, on_pause_over, t);
        t->backoff = (struct backoff)BACKOFF(PAUSE_FIRST_MS, PAUSE_MAX_MS);
        needs_token = needs_token || t->config->topic != NULL;
    }
    if (needs_token)
        n->token = loop_token_new(options->loop, options->config->metadata_url, on_token, n);
    return n;
}

void notifier_free(struct notifier *n)
{
    if (n == NULL)
        return;
    store_free(n->jobs);
    for (size_t i = 0; i < n->target_count; i++) {
        loop_source_free(n->targets[i].timer);
        target_fini(&n->targets[i]);
    }
    loop_token_free(n->token);
    free(n->targets);
    free(n);
}
