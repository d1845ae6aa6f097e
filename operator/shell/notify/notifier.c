#include "shell/notify/notifier.h"

#include <string.h>

#include "base/alloc.h"
#include "kube/store.h"
#include "net/http_loop.h"
#include "os/log.h"
#include "os/loop.h"
#include "shell/notify/notifier_int.h"
#include "shell/metrics/telemetry.h"

#include "base/banned.h"

enum {
    IN_FLIGHT_MAX = 8,
    TARGET_IN_FLIGHT_MAX = 2,
    PAUSE_FIRST_MS = 1000,
    PAUSE_MOST_MS = 5 * 60 * 1000,
};

static void pump(struct notifier *n);

/* ---- queues ---- */
static void enqueue(struct delivery *x)
{
    struct target *t = x->target;
    x->state = DELIVERY_PENDING;
    x->next = NULL;
    x->previous = t->last;
    *(t->last != NULL ? &t->last->next : &t->first) = x;
    t->last = x;
}

static void dequeue(struct delivery *x)
{
    struct target *t = x->target;
    *(x->previous != NULL ? &x->previous->next : &t->first) = x->next;
    *(x->next != NULL ? &x->next->previous : &t->last) = x->previous;
    x->next = x->previous = NULL;
}

static void land(struct delivery *x)
{
    x->call = NULL;
    x->target->in_flight--;
    x->target->notifier->in_flight--;
}

static void delivery_free(struct delivery *x)
{
    if (x->state == DELIVERY_PENDING)
        dequeue(x);
    if (x->state == DELIVERY_IN_FLIGHT) {
        http_call_cancel(x->call);
        land(x);
    }
    free(x->id);
    free(x);
}

static void notified_job_free(void *job)
{
    struct notified_job *j = job;
    while (j->deliveries != NULL) {
        struct delivery *next = j->deliveries->next_of_job;
        delivery_free(j->deliveries);
        j->deliveries = next;
    }
    free(j->ns);
    free(j->name);
    free(j);
}

/* ---- targets that do not take something ---- */
static void on_pause_over(void *context)
{
    struct target *t = context;
    t->paused_until_ms = 0;
    pump(t->notifier);
}

/* What was under way when the pause began makes it longer only when it asks for more time. */
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

/* Behind all others: what a target does not take keeps nothing else from it. */
static void put_off(struct delivery *x, int64_t least_ms, const struct err *e)
{
    telemetry_notification(x->target->notifier->options.telemetry, x->target->config->name, false);
    log_failure(LOG_LEVEL_WARNING, e, "a notification was not taken, trying again", "target",
                x->target->config->name, "id", x->id, "namespace", x->job->ns, "job", x->job->name, NULL);
    delivery_record_failure(x, e);
    enqueue(x);
    pause_target(x->target, least_ms);
}

static void on_done(void *context, const struct http_response *r, const struct err *transport)
{
    struct delivery *x = context;
    struct target *t = x->target;
    struct notifier *n = t->notifier;
    struct err e CLEANUP(err_fini) = {0};
    land(x);
    if (delivery_judge(x, r, transport, &e) < 0) {
        int retry_seconds = http_response_retry_after(r, clock_wall_us());
        put_off(x, (int64_t)retry_seconds * 1000, &e);
    } else {
        telemetry_notification(n->options.telemetry, t->config->name, true);
        x->state = DELIVERY_DONE;
        t->is_failing = false;
        backoff_reset(&t->backoff);
        n->options.on_delivered(n->options.context, x->job->ns, x->job->name);
    }
    pump(n);
}

/* Without a token nothing can be published: what would be next on each topic has failed. */
static void on_token(void *context, const struct err *e)
{
    struct notifier *n = context;
    for (size_t i = 0; e != NULL && i < n->target_count; i++) {
        struct target *t = &n->targets[i];
        struct delivery *x = t->config->topic != NULL && t->paused_until_ms == 0 ? t->first : NULL;
        if (x == NULL)
            continue;
        dequeue(x);
        put_off(x, 0, e);
    }
    pump(n);
}

/* ---- sending ---- */
static void set_out(struct delivery *x)
{
    struct notifier *n = x->target->notifier;
    struct err e CLEANUP(err_fini) = {0};
    dequeue(x);
    x->state = DELIVERY_IN_FLIGHT;
    x->target->in_flight++;
    n->in_flight++;
    enum send_result result = delivery_send(x, on_done, &e);
    if (result == SEND_STARTED)
        return;
    land(x);
    if (result == SEND_FAILED)
        put_off(x, 0, &e);
    else
        x->state = DELIVERY_DONE; /* owed no more: the next status that is followed takes it away */
}

/* A target in trouble gets one at a time, to see whether it is over. */
static bool can_take(const struct target *t)
{
    size_t most = t->is_failing ? 1 : TARGET_IN_FLIGHT_MAX;
    if (t->first == NULL || t->paused_until_ms != 0 || t->in_flight >= most)
        return false;
    return t->config->topic == NULL || loop_token_get(t->notifier->token) != NULL;
}

/* One from each target in turn. */
static void pump(struct notifier *n)
{
    size_t idle = 0;
    if (!n->options.may_send(n->options.context))
        return;
    while (idle < n->target_count && n->in_flight < IN_FLIGHT_MAX) {
        struct target *t = &n->targets[n->turn];
        n->turn = (n->turn + 1) % n->target_count;
        if (can_take(t)) {
            set_out(t->first);
            idle = 0;
        } else {
            idle++;
        }
    }
}

/* ---- following the statuses ---- */
static struct target *find_target(struct notifier *n, const char *name)
{
    for (size_t i = 0; i < n->target_count; i++)
        if (strcmp(n->targets[i].config->name, name) == 0)
            return &n->targets[i];
    return NULL;
}

static struct delivery *find_delivery(const struct notified_job *j, const char *id, const struct target *t)
{
    struct delivery *x = j->deliveries;
    while (x != NULL && (x->target != t || strcmp(x->id, id) != 0))
        x = x->next_of_job;
    return x;
}

static void follow_one(struct notified_job *j, struct target *t, const char *id)
{
    struct delivery *x = find_delivery(j, id, t);
    if (x == NULL) {
        x = xcalloc(1, sizeof(*x));
        x->job = j;
        x->target = t;
        x->id = xstrdup(id);
        x->next_of_job = j->deliveries;
        j->deliveries = x;
        enqueue(x);
    }
    x->is_still_pending = true;
}

static void drop_no_longer_pending(struct notified_job *j)
{
    for (struct delivery **at = &j->deliveries; *at != NULL;) {
        struct delivery *x = *at;
        if (x->is_still_pending) {
            x->is_still_pending = false;
            at = &x->next_of_job;
        } else {
            *at = x->next_of_job;
            delivery_free(x);
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
        (void)!store_put(n->jobs, job->ns, job->name, j);
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
    pump(n);
}

void notifier_forget(struct notifier *n, const char *ns, const char *name)
{
    struct notified_job *j = store_take(n->jobs, ns, name);
    if (j == NULL)
        return;
    notified_job_free(j);
    pump(n); /* what was under way for it has made room */
}

const struct delivered *notifier_delivered(const struct notifier *n, const struct job *job, struct arena *a,
                                           size_t *ret_count)
{
    const struct notified_job *j = store_get(n->jobs, job->ns, job->name);
    size_t count = 0;
    for (const struct delivery *x = j == NULL ? NULL : j->deliveries; x != NULL; x = x->next_of_job)
        count += x->state == DELIVERY_DONE;
    struct delivered *list = arena_calloc(a, count + 1, sizeof(*list));
    *ret_count = count;
    count = 0;
    for (const struct delivery *x = j == NULL ? NULL : j->deliveries; x != NULL; x = x->next_of_job)
        if (x->state == DELIVERY_DONE)
            list[count++] = (struct delivered){x->id, x->target->config->name};
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
        t->backoff = (struct backoff)BACKOFF(PAUSE_FIRST_MS, PAUSE_MOST_MS);
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
