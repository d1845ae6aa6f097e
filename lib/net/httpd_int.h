/*
 * Connections of a server over TLS. Internal to lib/net.
 */
#ifndef NET_HTTPD_INT_H
#define NET_HTTPD_INT_H

#include "net/httpd.h"

struct bufferevent;
struct evconnlistener;
struct event_base;

/* A connection that does the server's part of the handshake; on_closed runs when it is freed. */
struct bufferevent *httpd_tls_connection(struct event_base *base, struct httpd_keys *keys,
                                         void (*on_closed)(void *context),
                                         void *context) MUST_CHECK RETURNS_NONNULL;

/* Who may come in, and stay for how long. */
struct door;

/* unread_max: bytes of a connection that may wait to be read. request_ms: for a whole request and its answer,
 * from the connection's beginning or the last answer. loop and keys are borrowed. */
struct door *door_new(struct loop *loop, struct httpd_keys *keys, size_t unread_max,
                      int request_ms) MUST_CHECK RETURNS_NONNULL;
/* The listener waits while there are as many connections as may be. Before the first of them. */
void door_guard(struct door *d, struct evconnlistener *listener);
/* What evhttp asks for each new connection. */
struct bufferevent *door_let_in(struct event_base *base, void *door) MUST_CHECK RETURNS_NONNULL;
/* The connection, if it is one of them, has time for another request. */
void door_note_answer(struct door *d, const struct bufferevent *connection);
/* Before the server is freed. libevent frees the last connections later, from the loop; what is left of the
 * door goes with them. NULL is fine. */
void door_free(struct door *d);

#endif
