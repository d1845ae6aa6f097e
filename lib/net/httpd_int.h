/*
 * Connections of a server. Internal to lib/net.
 */
#ifndef NET_HTTPD_INT_H
#define NET_HTTPD_INT_H

#include "net/httpd.h"

struct bufferevent;
struct evconnlistener;
struct event_base;

/* A connection that does the server's part of the handshake. */
struct bufferevent *httpd_tls_connection(struct event_base *base,
                                         struct httpd_keys *keys) MUST_CHECK RETURNS_NONNULL;

/* Who may come in, and stay for how long. */
struct door;

struct door_rules {
    struct httpd_keys *keys; /* NULL: plain */
    size_t unread_max;       /* bytes of a connection that may wait to be read */
    int request_ms;          /* for a request and its answer, from when it came or was answered last */
    int max_connections;
};

/* loop and keys are borrowed. */
struct door *door_new(struct loop *loop, const struct door_rules *rules) MUST_CHECK RETURNS_NONNULL;
/* The listener that it opens and closes. Before the first connection. */
void door_guard(struct door *d, struct evconnlistener *listener);
/* What evhttp asks for each new connection. */
struct bufferevent *door_let_in(struct event_base *base, void *door) MUST_CHECK RETURNS_NONNULL;
/* A request has come on the connection, if it is one of them: it is sent away for nobody. */
void door_note_request(struct door *d, const struct bufferevent *connection);
/* The connection, if it is one of them, has time for another request. */
void door_note_answer(struct door *d, const struct bufferevent *connection);
/* After the server is freed. NULL is fine. */
void door_free(struct door *d);

#endif
