/*
 * Connections of a server over TLS. Internal to lib/net.
 */
#ifndef NET_HTTPD_INT_H
#define NET_HTTPD_INT_H

#include "net/httpd.h"

struct bufferevent;
struct event_base;

/* A connection that does the server's part of the handshake; on_closed runs when it is freed. */
struct bufferevent *httpd_tls_connection(struct event_base *base, struct httpd_keys *keys,
                                         void (*on_closed)(void *context),
                                         void *context) MUST_CHECK RETURNS_NONNULL;

#endif
