/*
 * A small HTTP/1.1 server on the event loop (evhttp).
 *
 * Two ways to answer: httpd_new for plain text that is known at once (health,
 * metrics), httpd_open for requests with bodies and headers, over TLS if wished,
 * answered from inside the handler or later. Both fail when the address cannot be
 * bound. A server is owned by the caller; the handler's context must outlive it.
 *
 * Nobody can hold a server for himself: bodies and headers have limits, and so have
 * the number of connections, what one may send ahead, and the time that it may take
 * for a request. When there are as many connections as may be, the one that was
 * silent for longest is closed for the next, but none that waits for an answer or
 * came just now.
 */
#ifndef NET_HTTPD_H
#define NET_HTTPD_H

#include "base/attr.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/strbuf.h"

struct loop;
struct httpd;

/* Fills body (plain text) and returns the status; path has no query. */
typedef int httpd_fn(void *context, const char *path, struct strbuf *body);

/* Plain HTTP, GET and HEAD. address: "0.0.0.0:8081", "[::]:8081", ":8081" for every interface. NULL with *e
 * set when it cannot be bound. */
struct httpd *httpd_new(struct loop *loop, const char *address, httpd_fn *fn, void *context,
                        struct err *e) MUST_CHECK;
/* Drops the requests that are not answered yet; their calls are gone. NULL is fine. */
void httpd_free(struct httpd *d);

/* ---- requests with bodies ---- */

/* One request, from the handler until its answer. Borrowed; what it gives out lives as long. */
struct httpd_call;

typedef void httpd_call_fn(void *context, struct httpd_call *call);

/* Certificate and key that a server shows; may be exchanged while it runs. */
struct httpd_keys;

struct httpd_service {
    const char *address;     /* as above */
    struct httpd_keys *keys; /* borrowed; NULL: plain HTTP */
    size_t max_body_bytes;   /* of a request */
    int request_ms;          /* so long a request and its answer may take */
    int max_connections;     /* at once */
    httpd_call_fn *fn;
    void *context;
};

struct httpd *httpd_open(struct loop *loop, const struct httpd_service *service, struct err *e) MUST_CHECK;

/* That of the service. */
void *httpd_call_context(const struct httpd_call *c);
bool httpd_call_is_post(const struct httpd_call *c);
const char *httpd_call_path(const struct httpd_call *c); /* without query */
/* The text after "Authorization: Bearer ", or the empty view. */
struct view httpd_call_bearer(const struct httpd_call *c);
struct view httpd_call_body(struct httpd_call *c);
/* Ends the call. type: of the content. retry_seconds: sent as Retry-After; 0: not sent. */
void httpd_answer(struct httpd_call *c, int status, const char *type, struct view body, int retry_seconds);

/* Empty: every handshake is refused until keys are set. */
struct httpd_keys *httpd_keys_new(void) MUST_CHECK RETURNS_NONNULL;
void httpd_keys_free(struct httpd_keys *k); /* NULL is fine */
/* PEM chain and key, for connections from now on. ERR_INVALID when they are none or do not belong together;
 * then the old ones stay. */
int httpd_keys_set(struct httpd_keys *k, const char *cert_pem, const struct secret *key_pem,
                   struct err *e) MUST_CHECK;

#endif
