/*
 * Calls of Google APIs: bearer token, retries with backoff, and Google's error
 * replies translated into this tree's codes.
 *
 * A gcp_config is shared by threads; each thread opens its own gcp_client. Codes:
 * UNAUTHENTICATED, DENIED (403), NOT_FOUND, CONFLICT (409, 412), GONE, THROTTLED,
 * UNAVAILABLE, INVALID (other 4xx), CANCELLED, and those of net/http.h and
 * gcp/credentials.h.
 */
#ifndef GCP_CALL_H
#define GCP_CALL_H

#include <stdatomic.h>

#include "base/backoff.h"
#include "gcp/credentials.h"
#include "net/http_session.h"

/* Where the services are, as whom they are called and how long. Owned by the caller, which must keep it as
 * long as its clients; everything that it points to is borrowed. */
struct gcp_config {
    struct credentials *credentials;
    const char *kms_url;     /* "https://cloudkms.googleapis.com" */
    const char *storage_url; /* "https://storage.googleapis.com" */
    const struct http_tls *tls;
    int retry_for_ms;                /* how long one call is retried; 0: 60 s */
    const atomic_bool *is_cancelled; /* ends calls once it is set; may be NULL */
    const char *(*remedy)(
        enum err_code code); /* what a person can do about an error, for the log; may be NULL */
};

/* One thread's connection to the services. */
struct gcp_client {
    const struct gcp_config *config; /* borrowed */
    struct http_session *session;    /* owned */
};

/* Does not connect yet. */
void gcp_client_open(struct gcp_client *ret, const struct gcp_config *config);
void gcp_client_close(struct gcp_client *c); /* a client that was never opened (all zero) is fine */

/* The time limit of a request that transfers no data, such as a look-up or the start of an upload. */
enum { GCP_CONTROL_TOTAL_MS = 30 * 1000 };

/* Retries until the call succeeds, fails permanently, or config->retry_for_ms is over. Each try takes at most
 * GCP_CONTROL_TOTAL_MS, and more with a large body. r holds the last reply, also that of a failed call. */
int gcp_call(const struct gcp_client *c, const struct http_request *q, struct http_response *r,
             struct err *e) MUST_CHECK;
/* One try: adds the token, sends the request, and turns a status of 400 or more into an error. */
int gcp_try(const struct gcp_client *c, const struct http_request *q, struct http_response *r,
            struct err *e) MUST_CHECK;
/* The same without a token, for a URL that grants access by itself and may be at another host. */
int gcp_try_without_token(const struct gcp_client *c, const struct http_request *q, struct http_response *r,
                          struct err *e) MUST_CHECK;
/* A refusal as an error: Google's message (cloud.google.com/apis/design/errors), and the URL without its
 * query. Always -1. */
int gcp_fail_from_reply(const char *method, const char *url, const struct http_response *r, struct err *e);

/* Waiting between tries, for callers that retry by themselves (downloads, upload sessions). */
struct gcp_retry {
    const struct gcp_config *config;
    struct backoff backoff;
    int64_t deadline_ms; /* CLOCK_BOOTTIME */
};

void gcp_retry_init(struct gcp_retry *t, const struct gcp_config *config);
/* After progress (at least HTTP_PROGRESS_BYTES, net/http.h): config->retry_for_ms starts again. */
void gcp_retry_renew(struct gcp_retry *t);
/* Sleeps and clears *e when the error is worth another try; otherwise -1, and *e stays. r: the last reply,
 * for its Retry-After. */
int gcp_retry_wait(struct gcp_retry *t, const struct http_response *r, struct err *e) MUST_CHECK;

#endif
