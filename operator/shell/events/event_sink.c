#include "shell/events/event_sink.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "os/log.h"
#include "os/loop.h"
#include "shell/metrics/telemetry.h"
#include "shell/events/fair_queue.h"

#include "base/banned.h"

enum {
    WAITING_MAX = 2000,
    IN_FLIGHT_MAX = 8,
    TRIES = 12,
    RETRY_MS = 10 * 1000,
    /* A burst, then one each REFILL_MS: a crash loop of many jobs must not fill etcd. */
    BURST = 100,
    REFILL_MS = 50,
};

struct item {
    char *ns, *name;
    json_t *event, *patch; /* patch is NULL for one that is to be made */
    int tries;
};

/* One that is being sent, or waits to be sent again. */
struct sender {
    struct event_sink *outbox;
    struct item *item; /* NULL: free */
    struct kube_call *call;
    struct loop_source *retry;
};

struct event_sink {
    struct kube_client *client;
    struct telemetry *telemetry;
    struct fair_queue *waiting;
    struct sender senders[IN_FLIGHT_MAX];
    int64_t credit_ms, credited_ms; /* REFILL_MS of credit pay for one event */
    struct loop_source *paid;       /* there is credit again */
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
static void leave_out(struct event_sink *o, const struct item *i, const char *why, const struct err *e)
{
    telemetry_event_dropped(o->telemetry);
    if (e == NULL)
        log_info(why, "namespace", i->ns, "event", i->name, NULL);
    else
        log_failure(LOG_LEVEL_WARNING, e, why, "namespace", i->ns, "event", i->name, NULL);
}

static void done(struct sender *s)
{
    item_free(s->item);
    s->item = NULL;
    send_more(s->outbox);
}

static void send(struct sender *s);

/* True when the same request may be taken later. */
static bool is_passing(const struct kube_answer *answer, const struct err *e)
{
    return answer->status == 0 || answer->retry_after_ms > 0 || e->code == ERR_THROTTLED;
}

static void on_answer(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct sender *s = context;
    struct item *i = s->item;
    s->call = NULL;
    /* An event that is there already: the answer to an earlier try was lost. */
    if (e == NULL || e->code == ERR_ALREADY_EXISTS) {
        done(s);
    } else if (i->patch != NULL && e->code == ERR_NOT_FOUND) {
        json_decref(i->patch);
        i->patch = NULL;
        send(s);
    } else if (is_passing(answer, e) && ++i->tries < TRIES) {
        loop_timer_set(s->retry, answer->retry_after_ms > RETRY_MS ? answer->retry_after_ms : RETRY_MS);
    } else {
        leave_out(s->outbox, i, "cannot record an event", e);
        done(s);
    }
}

static void send(struct sender *s)
{
    const struct item *i = s->item;
    char *path CLEANUP(cleanup_free) =
        xasprintf("/apis/events.k8s.io/v1/namespaces/%s/events%s%s", i->ns, i->patch != NULL ? "/" : "",
                  i->patch != NULL ? i->name : "");
    s->call = i->patch != NULL ? kube_start_write(s->outbox->client, "PATCH", path, i->patch, on_answer, s)
                               : kube_start_write(s->outbox->client, "POST", path, i->event, on_answer, s);
}

static void send_again(void *context)
{
    send(context);
}

/* ---- the queue ---- */
static bool pay(struct event_sink *o)
{
    int64_t now_ms = clock_boot_ms(), most_ms = (int64_t)BURST * REFILL_MS;
    o->credit_ms += now_ms - o->credited_ms;
    o->credited_ms = now_ms;
    if (o->credit_ms > most_ms)
        o->credit_ms = most_ms;
    if (o->credit_ms < REFILL_MS) {
        loop_timer_set(o->paid, REFILL_MS);
        return false;
    }
    o->credit_ms -= REFILL_MS;
    return true;
}

static struct sender *free_sender(struct event_sink *o)
{
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++)
        if (o->senders[i].item == NULL)
            return &o->senders[i];
    return NULL;
}

static void send_more(void *context)
{
    struct event_sink *o = context;
    struct sender *s;
    while (fair_queue_count(o->waiting) > 0 && (s = free_sender(o)) != NULL && pay(o)) {
        s->item = fair_queue_take(o->waiting);
        send(s);
    }
}

void event_sink_put(struct event_sink *o, const char *ns, const char *name, json_t *event, json_t *patch)
{
    struct item *i = xcalloc(1, sizeof(*i));
    i->ns = xstrdup(ns);
    i->name = xstrdup(name);
    i->event = json_incref(event);
    i->patch = json_incref(patch);
    if (!fair_queue_put(o->waiting, ns, i)) {
        leave_out(o, i, "too many events of this namespace wait, one is left out", NULL);
        item_free(i);
        return;
    }
    send_more(o);
}

bool event_sink_is_idle(const struct event_sink *o)
{
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++)
        if (o->senders[i].call != NULL)
            return false;
    return fair_queue_count(o->waiting) == 0;
}

/* ---- life ---- */
struct event_sink *event_sink_new(struct loop *loop, struct kube_client *client, struct telemetry *telemetry)
{
    struct event_sink *o = xcalloc(1, sizeof(*o));
    o->client = client;
    o->telemetry = telemetry;
    o->waiting = fair_queue_new(WAITING_MAX, item_free);
    o->credit_ms = (int64_t)BURST * REFILL_MS;
    o->credited_ms = clock_boot_ms();
    o->paid = loop_add_timer(loop, send_more, o);
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++)
        o->senders[i] =
            (struct sender){.outbox = o, .retry = loop_add_timer(loop, send_again, &o->senders[i])};
    return o;
}

void event_sink_free(struct event_sink *o)
{
    if (o == NULL)
        return;
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++) {
        kube_call_cancel(o->senders[i].call);
        loop_source_free(o->senders[i].retry);
        item_free(o->senders[i].item);
    }
    fair_queue_free(o->waiting);
    loop_source_free(o->paid);
    free(o);
}
