/*
 * A client may be slow, or mean it: connections are counted, each holds so much that was not read yet and no
 * more, and has so much time for a request and its answer, however busy it looks meanwhile.
 */
#include <event2/bufferevent.h>
#include <event2/listener.h>

#include "base/alloc.h"
#include "net/httpd_int.h"
#include "os/loop.h"

#include "base/banned.h"

enum { CONNECTIONS_MAX = 256 };

struct visitor {
    struct visitor *next, **link;
    struct door *door;
    struct bufferevent *connection;
    struct loop_source *deadline; /* NULL: the server is gone */
};

struct door {
    struct loop *loop;
    struct httpd_keys *keys;
    size_t unread_max;
    int request_ms;
    struct evconnlistener *listener; /* NULL: none yet, or gone */
    struct visitor *visitors;
    int count;
};

struct door *door_new(struct loop *loop, struct httpd_keys *keys, size_t unread_max, int request_ms)
{
    struct door *d = xcalloc(1, sizeof(*d));
    *d = (struct door){.loop = loop, .keys = keys, .unread_max = unread_max, .request_ms = request_ms};
    return d;
}

void door_guard(struct door *d, struct evconnlistener *listener)
{
    d->listener = listener;
}

static void on_closed(void *context)
{
    struct visitor *v = context;
    struct door *d = v->door;
    bool was_full = d->count-- == CONNECTIONS_MAX;
    bool is_gone = v->deadline == NULL;
    *v->link = v->next;
    if (v->next != NULL)
        v->next->link = v->link;
    loop_source_free(v->deadline);
    free(v);
    if (is_gone && d->count == 0)
        free(d);
    else if (was_full && d->listener != NULL)
        evconnlistener_enable(d->listener);
}

/* evhttp closes it, and lets go of a request that is being answered. */
static void on_deadline(void *context)
{
    const struct visitor *v = context;
    bufferevent_trigger_event(v->connection, BEV_EVENT_READING | BEV_EVENT_TIMEOUT, 0);
}

struct bufferevent *door_let_in(struct event_base *base, void *door)
{
    struct door *d = door;
    struct visitor *v = xcalloc(1, sizeof(*v));
    *v = (struct visitor){.next = d->visitors, .link = &d->visitors, .door = d};
    if (v->next != NULL)
        v->next->link = &v->next;
    d->visitors = v;
    v->connection = httpd_tls_connection(base, d->keys, on_closed, v);
    bufferevent_setwatermark(v->connection, EV_READ, 0, d->unread_max);
    v->deadline = loop_add_timer(d->loop, on_deadline, v);
    loop_timer_set(v->deadline, d->request_ms);
    if (++d->count == CONNECTIONS_MAX)
        evconnlistener_disable(d->listener);
    return v->connection;
}

void door_note_answer(struct door *d, const struct bufferevent *connection)
{
    struct visitor *v = d->visitors;
    while (v != NULL && v->connection != connection)
        v = v->next;
    if (v != NULL)
        loop_timer_set(v->deadline, d->request_ms);
}

void door_free(struct door *d)
{
    if (d == NULL)
        return;
    d->listener = NULL;
    for (struct visitor *v = d->visitors; v != NULL; v = v->next) {
        loop_source_free(v->deadline);
        v->deadline = NULL;
    }
    if (d->count == 0)
        free(d);
}
