/*
 * HTTP client over libcurl: one request description, two ways to run it.
 *
 *   http_session  blocking, one connection at a time, for one thread: the agent's
 *                 transfer threads, its stages, and the kubectl plugin;
 *   http_loop     on an event loop (os/loop.h), any number in flight: the operator.
 *
 * A request and everything it points to is borrowed until the call returns or
 * on_done has run. A status of 400 and more is not an error of this layer: the
 * caller reads response.status. Errors of this layer are ERR_UNAVAILABLE (no
 * connection, name not found, connection lost), ERR_TIMED_OUT, ERR_PROTOCOL
 * (a certificate that is not trusted, a malformed reply), ERR_TOO_LARGE (body over max_body_bytes, heads over
 * 64 KiB), ERR_DENIED (all addresses are refused), ERR_CANCELLED and what on_body returned. Redirects are
 * never followed; HTTPS certificates are always verified unless tls.insecure says otherwise. Every handle has
 * CURLOPT_QUICK_EXIT, so that a name that never resolves cannot block the loop. Memory that libcurl frees is
 * wiped: tokens pass through it.
 *
 * An http_loop speaks HTTP/1.1, one connection for each request in flight, kept and used again: a
 * watch never waits behind other calls, nor they behind it.
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
struct loop;           /* os/loop.h */
struct address_ranges; /* net/ranges.h */

/* Who is trusted and who we are. Owned by the caller, must outlive its users. */
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
    const struct secret *authorization; /* the whole value of Authorization instead; NULL: none */
    const char *label;                  /* what errors call a URL that is a secret; NULL: the URL */

    struct view body;     /* request body; used when read_body is NULL */
    uint64_t body_length; /* with read_body: exact number of bytes it will give */
    /* Fills at most capacity bytes; 0 before body_length bytes is an error of the reader. */
    int (*read_body)(void *context, void *out, size_t capacity, size_t *ret_length, struct err *e);

    /* Response bytes of a 2xx answer as they come; other answers are buffered always. NULL: all buffered.
     * Returns -1 with *e set to end the transfer. */
    int (*on_body)(void *context, const void *bytes, size_t length, struct err *e);
    /* Called once before the first on_body, with status and headers known. May be NULL. */
    int (*on_head)(void *context, const struct http_response *r, struct err *e);
    void *context; /* for the three callbacks above */

    size_t max_body_bytes;  /* of a buffered response; 0: 1 MiB */
    int connect_timeout_ms; /* 0: 10 s */
    int idle_timeout_ms;    /* no byte of a body either way for this long; 0: 30 s; -1: never */
    int total_timeout_ms;   /* 0: none */
    bool bypass_proxy;      /* never send this request through a proxy (metadata server) */
    /* Addresses that are not connected to, whatever the name resolves to (ERR_DENIED); NULL: none. Borrowed
     * until the call has ended. A kept connection was judged when it was opened, so requests with other rules
     * need another session or loop. Proxies are bypassed: they would look up the name themselves. */
    const struct address_ranges *refused;
    /* Ends an http_perform within a second (ERR_CANCELLED) once some thread sets it; may be NULL. */
    const atomic_bool *is_cancelled;
};

/* Headers of a response that callers ask for; names are matched without case. */
struct http_response {
    int status;
    struct strbuf body;    /* buffered body */
    struct strbuf headers; /* "name: value\n" lines of the final response */
};

void http_response_init(struct http_response *r);
void http_response_fini(struct http_response *r);
/* Value of the first such header, or the empty view. Borrowed from r. */
struct view http_response_header(const struct http_response *r, const char *name);
/* Seconds of Retry-After (delay form or date), or -1. now_us is the wall clock. */
int http_response_retry_after(const struct http_response *r, int64_t now_us);

/* Once per process, before threads. Also sets libcurl's wiping allocator. */
int http_global_init(struct err *e) MUST_CHECK;

/* ---- blocking ---- */
struct http_session;

/*
 * What trickles is as good as nothing: a request that brings less than this, sent and received, in its
 * idle_timeout_ms has stalled (ERR_TIMED_OUT). Only waiting for the network counts, not the time that
 * callbacks take, nor that in which this process did not run.
 */
enum { HTTP_PROGRESS_BYTES = 32 * 1024 };

/* tls may be NULL: system trust. Never NULL. */
struct http_session *http_session_new(const struct http_tls *tls) MUST_CHECK RETURNS_NONNULL;
void http_session_free(struct http_session *s); /* NULL is fine */
/* Receive buffer in bytes for large transfers; libcurl's 16 KiB otherwise. Before the first perform. */
void http_session_set_buffer(struct http_session *s, size_t bytes);
/* r must be initialised; it is cleared first. */
int http_perform(struct http_session *s, const struct http_request *q, struct http_response *r,
                 struct err *e) MUST_CHECK;

/* What one http_perform did. Valid for the call. */
struct http_observation {
    const char *url;
    int status; /* 0: no answer came whole, and not because a callback ended it */
    uint64_t sent_bytes, received_bytes;
    int64_t duration_us;
};

/* Told, from its thread, whenever an http_perform has ended. One in a process; set while nothing is
 * performed; NULL: nobody. */
void http_observe(void (*fn)(void *context, const struct http_observation *o), void *context);

/* ---- on the loop ---- */
struct http_loop;
struct http_call;

struct http_loop *http_loop_new(struct loop *loop, const struct http_tls *tls) MUST_CHECK RETURNS_NONNULL;
/* Cancels what is in flight; no on_done runs. NULL is fine. */
void http_loop_free(struct http_loop *h);
/*
 * Starts a request. All but `refused` is copied; callbacks run on the loop.
 * on_done runs exactly once, from the loop and never from inside this call: e is NULL on success
 * and borrowed otherwise; r is borrowed. After http_call_cancel, nothing runs any more.
 */
struct http_call *http_start(struct http_loop *h, const struct http_request *q,
                             void (*on_done)(void *context, const struct http_response *r,
                                             const struct err *e),
                             void *context) MUST_CHECK RETURNS_NONNULL;
void http_call_cancel(struct http_call *c); /* NULL is fine */

#endif
