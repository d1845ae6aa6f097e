#include "shell/events/event_sink.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "os/log.h"
#include "os/loop.h"
#include "shell/metrics/telemetry.h"
#include "shell/events/fair_queue.h"

#include "base/banned.h"

enum {
    QUEUE_MAX = 2000,
    IN_FLIGHT_MAX = 8,
    TRIES_MAX = 12,
    RETRY_MS = 10 * 1000,
    /* A token bucket, so that a crash loop of many jobs does not fill etcd. */
    BURST = 100,
    REFILL_MS = 50,
};

struct item {
    char *ns, *name;
    json_t *event, *patch; /* patch is NULL for a new event */
    int tries;
};

/* One event that is in flight or waits for a retry. */
struct sender {
    struct event_sink *sink;
    struct item *item; /* NULL: free */
    struct kube_call *call;
    struct loop_source *retry;
};

struct event_sink {
    struct kube_client *client;
    struct telemetry *telemetry;
    struct fair_queue *queue;
    struct sender senders[IN_FLIGHT_MAX];
    int64_t credit_ms, credited_ms; /* the token bucket: an event costs REFILL_MS */
    struct loop_source *refill;     /* fires when there is credit again */
};

static void send_more(void *context);

static void item_free(void *item)
{
    struct item *i = item;
    if (i == NULL)
        return;
    free(i->ns);
    free(i->name);
    json_decref(i->event);
    json_decref(i->patch);
    free(i);
}

/* ---- sending ---- */
static void drop(struct event_sink *sink, const struct item *i, const char *why, const struct err *e)
{
    telemetry_event_dropped(sink->telemetry);
    if (e == NULL)
        log_info(why, "namespace", i->ns, "event", i->name, NULL);
    else
        log_failure(LOG_LEVEL_WARNING, e, why, "namespace", i->ns, "event", i->name, NULL);
}

static void finish(struct sender *s)
{
    item_free(s->item);
    s->item = NULL;
    send_more(s->sink);
}

static void send(struct sender *s);

/* True when the same request may succeed later. */
static bool is_transient(const struct kube_answer *answer, const struct err *e)
{
    return answer->status == 0 || answer->retry_after_ms > 0 || e->code == ERR_THROTTLED;
}

static void on_answer(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct sender *s = context;
    struct item *i = s->item;
    s->call = NULL;
    /* The event exists already when the answer to an earlier try was lost. */
    if (e == NULL || e->code == ERR_ALREADY_EXISTS) {
        finish(s);
    } else if (i->patch != NULL && e->code == ERR_NOT_FOUND) {
        json_decref(i->patch);
        i->patch = NULL;
        send(s);
    } else if (is_transient(answer, e) && ++i->tries < TRIES_MAX) {
        loop_timer_set(s->retry, answer->retry_after_ms > RETRY_MS ? answer->retry_after_ms : RETRY_MS);
    } else {
        drop(s->sink, i, "cannot write an event, dropping it", e);
        finish(s);
    }
}

static void send(struct sender *s)
{
    const struct item *i = s->item;
    char *path CLEANUP(cleanup_free) =
        xasprintf("/apis/events.k8s.io/v1/namespaces/%s/events%s%s", i->ns, i->patch != NULL ? "/" : "",
                  i->patch != NULL ? i->name : "");
    s->call = i->patch != NULL ? kube_start_write(s->sink->client, "PATCH", path, i->patch, on_answer, s)
                               : kube_start_write(s->sink->client, "POST", path, i->event, on_answer, s);
}

static void on_retry(void *context)
{
    send(context);
}

/* ---- the queue ---- */
static bool take_token(struct event_sink *sink)
{
    int64_t now_ms = clock_boot_ms(), max_ms = (int64_t)BURST * REFILL_MS;
    sink->credit_ms += now_ms - sink->credited_ms;
    sink->credited_ms = now_ms;
    if (sink->credit_ms > max_ms)
        sink->credit_ms = max_ms;
    if (sink->credit_ms < REFILL_MS) {
        loop_timer_set(sink->refill, REFILL_MS);
        return false;
    }
    sink->credit_ms -= REFILL_MS;
    return true;
}

static struct sender *free_sender(struct event_sink *sink)
{
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++)
        if (sink->senders[i].item == NULL)
            return &sink->senders[i];
    return NULL;
}

static void send_more(void *context)
{
    struct event_sink *sink = context;
    struct sender *s;
    while (fair_queue_count(sink->queue) > 0 && (s = free_sender(sink)) != NULL && take_token(sink)) {
        s->item = fair_queue_take(sink->queue);
        send(s);
    }
}

void event_sink_put(struct event_sink *sink, const char *ns, const char *name, json_t *event, json_t *patch)
{
    struct item *i = xcalloc(1, sizeof(*i));
    i->ns = xstrdup(ns);
    i->name = xstrdup(name);
    i->event = json_incref(event);
    i->patch = json_incref(patch);
    if (!fair_queue_put(sink->queue, ns, i)) {
        drop(sink, i, "too many events of this namespace are queued, dropping one", NULL);
        item_free(i);
        return;
    }
    send_more(sink);
}

bool event_sink_is_idle(const struct event_sink *sink)
{
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++)
        if (sink->senders[i].call != NULL)
            return false;
    return fair_queue_count(sink->queue) == 0;
}

/* ---- life ---- */
struct event_sink *event_sink_new(struct loop *loop, struct kube_client *client, struct telemetry *telemetry)
{
    struct event_sink *sink = xcalloc(1, sizeof(*sink));
    sink->client = client;
    sink->telemetry = telemetry;
    sink->queue = fair_queue_new(QUEUE_MAX, item_free);
    sink->credit_ms = (int64_t)BURST * REFILL_MS;
    sink->credited_ms = clock_boot_ms();
    sink->refill = loop_add_timer(loop, send_more, sink);
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++)
        sink->senders[i] =
            (struct sender){.sink = sink, .retry = loop_add_timer(loop, on_retry, &sink->senders[i])};
    return sink;
}

void event_sink_free(struct event_sink *sink)
{
    if (sink == NULL)
        return;
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++) {
        kube_call_cancel(sink->senders[i].call);
        loop_source_free(sink->senders[i].retry);
        item_free(sink->senders[i].item);
    }
    fair_queue_free(sink->queue);
    loop_source_free(sink->refill);
    free(sink);
}
