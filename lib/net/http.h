/*
 * HTTP over libcurl: what a request and a response are, for both ways to run one:
 *
 *   net/http_session.h  blocking, one connection at a time, for one thread: the
 *                       agent's transfer threads and stages, and the kubectl plugin;
 *   net/http_loop.h     on an event loop, any number in flight: the operator.
 *
 * A request and everything it points to is borrowed until it has ended. A status of
 * 400 or more is not an error of this layer: the caller reads response.status. Errors
 * of this layer are ERR_UNAVAILABLE (name not found, no connection, connection lost),
 * ERR_TIMED_OUT, ERR_PROTOCOL (untrusted certificate, malformed response, headers over
 * 64 KiB),
 * ERR_TOO_LARGE (a 2xx body over max_body_bytes), ERR_DENIED (every address is
 * refused), ERR_CANCELLED, and what on_body returned.
 *
 * Redirects are never followed. HTTPS certificates are always verified, unless
 * tls.insecure is set. Every handle has CURLOPT_QUICK_EXIT, so that a name that never
 * resolves cannot block the loop. Memory that libcurl frees is wiped, because tokens
 * pass through it.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/strbuf.h"
#include "base/view.h"

struct http_response;
struct address_ranges; /* net/ranges.h */

/* Trusted roots, and the client's own certificate. Owned by the caller; must outlive its users. */
struct http_tls {
    const char *ca_pem;              /* PEM certificates; NULL: the system's bundle */
    const char *client_cert_pem;     /* PEM chain, or NULL */
    const struct secret *client_key; /* PEM, or NULL */
    const char *server_name;         /* name to verify instead of the URL's host, or NULL */
    bool insecure;                   /* kubeconfig's insecure-skip-tls-verify only */
};

struct http_header {
    const char *name;
    const char *value;
};

struct http_request {
    const char *method; /* "GET", ... */
    const char *url;    /* http:// or https:// */
    const struct http_header *headers;
    size_t header_count;
    const struct secret *bearer;        /* sent as Authorization: Bearer; NULL: none */
    const struct secret *authorization; /* instead of bearer: the whole value of Authorization; NULL: none */
    const char *label; /* what errors show instead of a URL that is a secret; NULL: the URL */

    struct view body;     /* request body; used when read_body is NULL */
    uint64_t body_length; /* with read_body: the exact number of bytes that it will return */
    /* Fills at most capacity bytes; the reader fails if it returns 0 before body_length bytes. */
    int (*read_body)(void *context, void *out, size_t capacity, size_t *ret_length, struct err *e);

    /* Gets the body of a 2xx response in pieces, as they arrive; other bodies are always buffered. NULL: all
     * are buffered. Returns -1 with *e set to end the transfer. */
    int (*on_body)(void *context, const void *bytes, size_t length, struct err *e);
    /* Called once before the first on_body, when status and headers are known. May be NULL. */
    int (*on_head)(void *context, const struct http_response *r, struct err *e);
    void *context; /* for the three callbacks above */

    /* Of a buffered response; 0: 1 MiB. A longer body of a 2xx response is ERR_TOO_LARGE. Of any other
     * response, such as an error page, only so many bytes are read: its status says what matters. */
    size_t max_body_bytes;
    int connect_timeout_ms; /* 0: 10 s */
    int idle_timeout_ms;    /* without a byte of either body; 0: 30 s; -1: no limit */
    int total_timeout_ms;   /* 0: none */
    bool bypass_proxy;      /* never send this request through a proxy (metadata server) */
    /* Addresses that must not be connected to, whatever the name resolves to (ERR_DENIED); NULL: none.
     * Borrowed until the request has ended. A kept connection was checked when it was opened, so requests
     * with other ranges need another session or loop. Proxies are bypassed: they resolve the name themselves.
     */
    const struct address_ranges *refused;
    /* Ends an http_perform within a second (ERR_CANCELLED) once any thread sets it; may be NULL. */
    const atomic_bool *is_cancelled;
};

struct http_response {
    int status;
    struct strbuf body;    /* buffered body */
    struct strbuf headers; /* "name: value\n" lines of the final response */
};

void http_response_init(struct http_response *r);
void http_response_fini(struct http_response *r);
/* Value of the first header of that name, ignoring case, or the empty view. Borrowed from r. */
struct view http_response_header(const struct http_response *r, const char *name);
/* Seconds of Retry-After (delay or date), or -1. now_us is the wall clock. */
int http_response_retry_after(const struct http_response *r, int64_t now_us);

/* Once per process, before threads are started. Also makes libcurl wipe what it frees. */
int http_global_init(struct err *e) MUST_CHECK;

#endif
