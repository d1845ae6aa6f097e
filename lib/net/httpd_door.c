/*
 * A client may be slow, or mean it: connections are counted, each holds so much that was not read yet and no
 * more, and has so much time for a request and its answer, however busy it looks meanwhile. When all places
 * are taken, whoever was silent for longest makes room for who comes next; who waits for an answer of ours
 * stays.
 *
 * evhttp tells nobody that it closes a connection. So each is held here as well, and let go of soon after
 * evhttp has done so: it then has no callbacks any more.
 */
#include <event2/bufferevent.h>
#include <event2/listener.h>

#include "base/alloc.h"
#include "net/httpd_int.h"
#include "os/loop.h"

#include "base/banned.h"

/* A handshake takes several messages, and computing at both ends. */
enum { LOOK_MS = 1000, GRACE_MS = 100, TLS_GRACE_MS = 1000 };

struct visitor {
    struct visitor *next, **link;
    struct door *door;
    struct bufferevent *connection; /* a share in it */
    struct loop_source *deadline;
    int64_t since_ms; /* of its coming, or of the last answer */
    bool is_waiting;  /* for an answer of ours */
};

struct door {
    struct loop *loop;
    struct door_rules rules;
    struct evconnlistener *listener;
    struct visitor *visitors; /* first who came or was answered last */
    struct loop_source *look;
    int count;
};

/* ---- the list ---- */
static void unlink_visitor(struct visitor *v)
{
    *v->link = v->next;
    if (v->next != NULL)
        v->next->link = v->link;
}

static void put_first(struct door *d, struct visitor *v)
{
    v->next = d->visitors;
    v->link = &d->visitors;
    if (v->next != NULL)
        v->next->link = &v->next;
    d->visitors = v;
}

static struct visitor *visitor_of(const struct door *d, const struct bufferevent *connection)
{
    struct visitor *v = d->visitors;
    while (v != NULL && v->connection != connection)
        v = v->next;
    return v;
}

static bool is_full(const struct door *d)
{
    return d->count >= d->rules.max_connections;
}

/* ---- leaving ---- */
static void let_go(struct visitor *v)
{
    unlink_visitor(v);
    v->door->count--;
    loop_source_free(v->deadline);
    bufferevent_decref(v->connection);
    free(v);
}

static bool is_left_by_server(const struct visitor *v)
{
    bufferevent_event_cb on_event;
    bufferevent_getcb(v->connection, NULL, NULL, &on_event, NULL);
    return on_event == NULL;
}

/* evhttp closes it, and lets go of a request that is being answered. */
static void send_away(void *context)
{
    struct visitor *v = context;
    bufferevent_trigger_event(v->connection, BEV_EVENT_READING | BEV_EVENT_TIMEOUT, 0);
    loop_timer_set(v->door->look, 0);
}

static void let_go_of_those_left(struct door *d)
{
    struct visitor *next;
    for (struct visitor *v = d->visitors; v != NULL; v = next) {
        next = v->next;
        if (is_left_by_server(v))
            let_go(v);
    }
}

static struct visitor *longest_silent(const struct door *d)
{
    struct visitor *longest = NULL;
    for (struct visitor *v = d->visitors; v != NULL; v = v->next)
        if (!v->is_waiting)
            longest = v;
    return longest;
}

static void make_room(struct door *d)
{
    struct visitor *longest = longest_silent(d);
    if (longest == NULL)
        return;
    int64_t left = longest->since_ms + (d->rules.keys != NULL ? TLS_GRACE_MS : GRACE_MS) - clock_boot_ms();
    if (left <= 0)
        send_away(longest);
    else
        loop_timer_set(d->look, left);
}

static void look(void *context)
{
    struct door *d = context;
    let_go_of_those_left(d);
    loop_timer_set(d->look, d->count > 0 ? LOOK_MS : -1);
    if (is_full(d))
        make_room(d);
    else
        evconnlistener_enable(d->listener);
}

/* ---- coming ---- */
static void begin_silence(struct visitor *v)
{
    put_first(v->door, v);
    v->since_ms = clock_boot_ms();
    loop_timer_set(v->deadline, v->door->rules.request_ms);
}

struct bufferevent *door_let_in(struct event_base *base, void *door)
{
    struct door *d = door;
    struct visitor *v = xcalloc(1, sizeof(*v));
    v->door = d;
    v->connection = d->rules.keys != NULL ? httpd_tls_connection(base, d->rules.keys)
                                          : bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    if (v->connection == NULL)
        abort();
    bufferevent_incref(v->connection);
    bufferevent_setwatermark(v->connection, EV_READ, 0, d->rules.unread_max);
    v->deadline = loop_add_timer(d->loop, send_away, v);
    begin_silence(v);
    d->count++;
    if (is_full(d))
        evconnlistener_disable(d->listener);
    if (is_full(d) || d->count == 1)
        loop_timer_set(d->look, is_full(d) ? 0 : LOOK_MS);
    return v->connection;
}

void door_note_request(struct door *d, const struct bufferevent *connection)
{
    struct visitor *v = visitor_of(d, connection);
    if (v != NULL)
        v->is_waiting = true;
}

void door_note_answer(struct door *d, const struct bufferevent *connection)
{
    struct visitor *v = visitor_of(d, connection);
    if (v == NULL)
        return;
    v->is_waiting = false;
    unlink_visitor(v);
    begin_silence(v);
    if (is_full(d))
        loop_timer_set(d->look, 0);
}

/* ---- life ---- */
struct door *door_new(struct loop *loop, const struct door_rules *rules)
{
    struct door *d = xcalloc(1, sizeof(*d));
    d->loop = loop;
    d->rules = *rules;
    d->look = loop_add_timer(loop, look, d);
    return d;
}

void door_guard(struct door *d, struct evconnlistener *listener)
{
    d->listener = listener;
}

void door_free(struct door *d)
{
    if (d == NULL)
        return;
    while (d->visitors != NULL)
        let_go(d->visitors);
    loop_source_free(d->look);
    free(d);
}
