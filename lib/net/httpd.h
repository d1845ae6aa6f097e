/*
 * A small HTTP/1.1 server on the event loop (evhttp).
 *
 * httpd_new serves plain text that is available at once (health, metrics). httpd_open
 * serves requests with bodies and headers, optionally over TLS, which may be answered
 * from inside the handler or later. Both fail when the address cannot be bound. The
 * caller owns the server; the handler's context must outlive it.
 *
 * No client can occupy the server: bodies, headers and unread bytes have limits, and
 * so have the number of connections and the time for a request. When all connections
 * are in use, the one that has been idle for longest is closed to admit a new one,
 * unless it waits for an answer or was opened just now.
 */
#ifndef NET_HTTPD_H
#define NET_HTTPD_H

#include "base/attr.h"
#include "base/err.h"
#include "base/strbuf.h"

struct loop;
struct httpd;
struct httpd_tls;

/* Fills body with plain text and returns the status; path is without the query. */
typedef int httpd_fn(void *context, const char *path, struct strbuf *body);

/* Plain HTTP, GET and HEAD. address is "0.0.0.0:8081", "[::]:8081" or, for every IPv4 interface, ":8081".
 * NULL with *e set when it cannot be bound. */
struct httpd *httpd_new(struct loop *loop, const char *address, httpd_fn *fn, void *context,
                        struct err *e) MUST_CHECK;
/* Drops the unanswered requests and frees their calls. NULL is fine. */
void httpd_free(struct httpd *d);

/* ---- requests with bodies ---- */

/* One request, from the handler until httpd_answer. Borrowed, as is everything that it returns. */
struct httpd_call;

typedef void httpd_call_fn(void *context, struct httpd_call *call);

struct httpd_service {
    const char *address;   /* as above */
    struct httpd_tls *tls; /* net/httpd_tls.h; borrowed; NULL: plain HTTP */
    size_t max_body_bytes; /* of a request */
    int request_ms;        /* for a request and its answer */
    int max_connections;   /* at once */
    httpd_call_fn *fn;
    void *context;
};

struct httpd *httpd_open(struct loop *loop, const struct httpd_service *service, struct err *e) MUST_CHECK;

/* The service's context. */
void *httpd_call_context(const struct httpd_call *c);
bool httpd_call_is_post(const struct httpd_call *c);
const char *httpd_call_path(const struct httpd_call *c); /* without query */
/* The text after "Authorization: Bearer ", or the empty view. */
struct view httpd_call_bearer(const struct httpd_call *c);
struct view httpd_call_body(struct httpd_call *c);
/* Answers and frees the call. type is the Content-Type; retry_seconds is sent as Retry-After unless it is 0.
 */
void httpd_answer(struct httpd_call *c, int status, const char *type, struct view body, int retry_seconds);

#endif
