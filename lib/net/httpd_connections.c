/*
 * Limits that keep a slow or hostile client from occupying a server: connections are counted, each buffers a
 * limited number of unread bytes, and each has a limited time for a request and its answer, however much it
 * sends meanwhile. When all connections are in use, the one that has been idle for longest is closed to admit
 * the next; one that waits for our answer never is.
 *
 * evhttp does not report that it closes a connection. Each one is therefore referenced here as well and
 * released soon after evhttp has closed it, which shows in that it has no callbacks any more.
 */
#include <event2/bufferevent.h>
#include <event2/listener.h>

#include "base/alloc.h"
#include "net/httpd_int.h"
#include "os/loop.h"

#include "base/banned.h"

/* How often to look for closed connections, and how long a new one is safe: a TLS handshake takes several
 * messages, and computing at both ends. */
enum { SWEEP_MS = 1000, GRACE_MS = 100, TLS_GRACE_MS = 1000 };

struct connection {
    struct connection *next, **link;
    struct connections *all;
    struct bufferevent *bev; /* a reference of ours */
    struct loop_source *deadline;
    int64_t idle_since_ms; /* when it was opened, or answered last */
    bool is_waiting;       /* for an answer of ours */
};

struct connections {
    struct loop *loop;
    struct connection_limits limits;
    struct evconnlistener *listener;
    struct connection *first; /* the one opened or answered last comes first */
    struct loop_source *sweep;
    int count;
};

/* ---- the list ---- */
static void unlink_connection(struct connection *c)
{
    *c->link = c->next;
    if (c->next != NULL)
        c->next->link = c->link;
}

static void put_first(struct connections *s, struct connection *c)
{
    c->next = s->first;
    c->link = &s->first;
    if (c->next != NULL)
        c->next->link = &c->next;
    s->first = c;
}

static struct connection *find(const struct connections *s, const struct bufferevent *bev)
{
    struct connection *c = s->first;
    while (c != NULL && c->bev != bev)
        c = c->next;
    return c;
}

static bool is_full(const struct connections *s)
{
    return s->count >= s->limits.max_connections;
}

/* ---- closing ---- */
static void release(struct connection *c)
{
    unlink_connection(c);
    c->all->count--;
    loop_source_free(c->deadline);
    bufferevent_decref(c->bev);
    free(c);
}

static bool is_closed_by_evhttp(const struct connection *c)
{
    bufferevent_event_cb on_event;
    bufferevent_getcb(c->bev, NULL, NULL, &on_event, NULL);
    return on_event == NULL;
}

/* evhttp closes it, and drops a request that is being answered. */
static void close_connection(void *context)
{
    struct connection *c = context;
    bufferevent_trigger_event(c->bev, BEV_EVENT_READING | BEV_EVENT_TIMEOUT, 0);
    loop_timer_set(c->all->sweep, 0);
}

static void release_closed(struct connections *s)
{
    struct connection *next;
    for (struct connection *c = s->first; c != NULL; c = next) {
        next = c->next;
        if (is_closed_by_evhttp(c))
            release(c);
    }
}

static struct connection *longest_idle(const struct connections *s)
{
    struct connection *longest = NULL;
    for (struct connection *c = s->first; c != NULL; c = c->next)
        if (!c->is_waiting)
            longest = c;
    return longest;
}

static void evict_one(struct connections *s)
{
    struct connection *longest = longest_idle(s);
    if (longest == NULL)
        return;
    int64_t grace_ms = s->limits.tls != NULL ? TLS_GRACE_MS : GRACE_MS;
    int64_t left_ms = longest->idle_since_ms + grace_ms - clock_boot_ms();
    if (left_ms <= 0)
        close_connection(longest);
    else
        loop_timer_set(s->sweep, left_ms);
}

static void sweep(void *context)
{
    struct connections *s = context;
    release_closed(s);
    loop_timer_set(s->sweep, s->count > 0 ? SWEEP_MS : -1);
    if (is_full(s))
        evict_one(s);
    else
        evconnlistener_enable(s->listener);
}

/* ---- opening, and requests ---- */
static void begin_idle(struct connection *c)
{
    put_first(c->all, c);
    c->idle_since_ms = clock_boot_ms();
    loop_timer_set(c->deadline, c->all->limits.request_ms);
}

struct bufferevent *connections_accept(struct event_base *base, void *connections)
{
    struct connections *s = connections;
    struct connection *c = xcalloc(1, sizeof(*c));
    c->all = s;
    c->bev = s->limits.tls != NULL ? httpd_tls_accept(s->limits.tls, base)
                                   : bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    if (c->bev == NULL)
        abort();
    bufferevent_incref(c->bev);
    bufferevent_setwatermark(c->bev, EV_READ, 0, s->limits.unread_max);
    c->deadline = loop_add_timer(s->loop, close_connection, c);
    begin_idle(c);
    s->count++;
    if (is_full(s))
        evconnlistener_disable(s->listener);
    if (is_full(s) || s->count == 1)
        loop_timer_set(s->sweep, is_full(s) ? 0 : SWEEP_MS);
    return c->bev;
}

void connections_note_request(struct connections *s, const struct bufferevent *bev)
{
    struct connection *c = find(s, bev);
    if (c != NULL)
        c->is_waiting = true;
}

void connections_note_answer(struct connections *s, const struct bufferevent *bev)
{
    struct connection *c = find(s, bev);
    if (c == NULL)
        return;
    c->is_waiting = false;
    unlink_connection(c);
    begin_idle(c);
    if (is_full(s))
        loop_timer_set(s->sweep, 0);
}

/* ---- life ---- */
struct connections *connections_new(struct loop *loop, const struct connection_limits *limits)
{
    struct connections *s = xcalloc(1, sizeof(*s));
    s->loop = loop;
    s->limits = *limits;
    s->sweep = loop_add_timer(loop, sweep, s);
    return s;
}

void connections_set_listener(struct connections *s, struct evconnlistener *listener)
{
    s->listener = listener;
}

void connections_free(struct connections *s)
{
    if (s == NULL)
        return;
    while (s->first != NULL)
        release(s->first);
    loop_source_free(s->sweep);
    free(s);
}
