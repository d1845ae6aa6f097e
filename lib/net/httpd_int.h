/*
 * Connections of a server: how they are accepted, limited and closed. Internal to
 * lib/net. Nothing here fails.
 */
#ifndef NET_HTTPD_INT_H
#define NET_HTTPD_INT_H

#include "net/httpd.h"
#include "net/httpd_tls.h"

struct bufferevent;
struct evconnlistener;
struct event_base;

/* A new connection, which begins with the server's part of the TLS handshake. */
struct bufferevent *httpd_tls_accept(struct httpd_tls *t, struct event_base *base) MUST_CHECK RETURNS_NONNULL;

/* All connections of one server. */
struct connections;

struct connection_limits {
    struct httpd_tls *tls; /* NULL: plain HTTP */
    size_t unread_max;     /* bytes that a connection may buffer unread */
    int request_ms;        /* for a request and its answer, from when it was opened or answered last */
    int max_connections;
};

/* loop and limits->tls are borrowed. */
struct connections *connections_new(struct loop *loop,
                                    const struct connection_limits *limits) MUST_CHECK RETURNS_NONNULL;
/* The listener to disable while all connections are in use. Call it before the first connection. */
void connections_set_listener(struct connections *s, struct evconnlistener *listener);
/* evhttp's callback for new connections; the context is the struct connections. */
struct bufferevent *connections_accept(struct event_base *base, void *connections) MUST_CHECK RETURNS_NONNULL;
/* A request has arrived: the connection is not closed for another one until it is answered. */
void connections_note_request(struct connections *s, const struct bufferevent *bev);
/* The request was answered: the connection has time for another one. */
void connections_note_answer(struct connections *s, const struct bufferevent *bev);
/* Call it after the server is freed. NULL is fine. */
void connections_free(struct connections *s);

#endif
