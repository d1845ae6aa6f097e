/*
 * Blocking HTTP requests (net/http.h) for one thread. A session keeps its connection
 * for the next request to the same host. The caller owns it; tls is borrowed and must
 * outlive it.
 */
#ifndef NET_HTTP_SESSION_H
#define NET_HTTP_SESSION_H

#include "net/http.h"

struct http_session;

/*
 * A connection that only trickles counts as stalled: a request that moves less than this, sent and received
 * together, within its idle_timeout_ms ends with ERR_TIMED_OUT. Only time spent waiting for the network
 * counts, neither that spent in callbacks nor that in which this process did not run.
 */
enum { HTTP_PROGRESS_BYTES = 32 * 1024 };

/* tls may be NULL: the system's trusted roots. */
struct http_session *http_session_new(const struct http_tls *tls) MUST_CHECK RETURNS_NONNULL;
void http_session_free(struct http_session *s); /* NULL is fine */
/* Size of the receive buffer in bytes, for large transfers; defaults to libcurl's 16 KiB. Call it before the
 * first request. */
void http_session_set_buffer(struct http_session *s, size_t bytes);
/* Runs one request. r must be initialised; it is cleared first. */
int http_perform(struct http_session *s, const struct http_request *q, struct http_response *r,
                 struct err *e) MUST_CHECK;

/* What one http_perform did. Valid for the call. */
struct http_observation {
    const char *url;
    int status; /* 0: no complete response arrived, and no callback ended the transfer */
    uint64_t sent_bytes, received_bytes;
    int64_t duration_us;
};

/* Sets the function that is called after each http_perform, in its thread; NULL: none. One per process; set
 * it while no request is running. */
void http_observe(void (*fn)(void *context, const struct http_observation *o), void *context);

#endif
