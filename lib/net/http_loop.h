/*
 * HTTP requests (net/http.h) on an event loop (os/loop.h), any number in flight.
 *
 * Speaks HTTP/1.1 with one connection per request in flight, kept alive and reused: a
 * watch never waits behind other requests, nor they behind it. The caller owns the
 * http_loop; loop and tls are borrowed and must outlive it.
 */
#ifndef NET_HTTP_LOOP_H
#define NET_HTTP_LOOP_H

#include "net/http.h"

struct loop;
struct http_loop;
struct http_call;

struct http_loop *http_loop_new(struct loop *loop, const struct http_tls *tls) MUST_CHECK RETURNS_NONNULL;
/* Cancels the requests in flight; no on_done runs. NULL is fine. */
void http_loop_free(struct http_loop *h);
/*
 * Starts a request. Everything but `refused` is copied; callbacks run on the loop. on_done runs exactly once,
 * from the loop and never from inside this call: r is borrowed; e is NULL on success, else borrowed.
 */
struct http_call *http_start(struct http_loop *h, const struct http_request *q,
                             void (*on_done)(void *context, const struct http_response *r,
                                             const struct err *e),
                             void *context) MUST_CHECK RETURNS_NONNULL;
/* No callback runs afterwards. NULL is fine. */
void http_call_cancel(struct http_call *c);

#endif
