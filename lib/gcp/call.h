/*
 * One call of a Google API: bearer token, retries with backoff, and Google's
 * error replies read into this tree's codes.
 *
 * gcp_site is shared by threads and read-only but for its identity and the
 * cancel flag; each thread has its own http_session. Codes: UNAUTHENTICATED,
 * DENIED (403), NOT_FOUND, CONFLICT (409, 412), GONE, THROTTLED, UNAVAILABLE,
 * INVALID (other 4xx), CANCELLED, and those of net/http.h.
 */
#ifndef GCP_CALL_H
#define GCP_CALL_H

#include <stdatomic.h>

#include "base/backoff.h"
#include "gcp/identity.h"
#include "net/http_session.h"

/* Where the services are and as whom we call them. Owned by the caller. */
struct gcp_site {
    struct identity *identity;
    const char *kms_url;     /* "https://cloudkms.googleapis.com" */
    const char *storage_url; /* "https://storage.googleapis.com" */
    const struct http_tls *tls;
    int patience_ms;                 /* how long one call is repeated; 0: 60 s */
    const atomic_bool *is_cancelled; /* may be NULL */
    /* What a person does about an error, for the log; NULL: nothing is advised. */
    const char *(*remedy)(enum err_code code);
};

/* What is no transfer of data (asking, looking, opening) is answered in this time. */
enum { GCP_CONTROL_TOTAL_MS = 30 * 1000 };

/* Repeats until it works, fails for good, or patience ends. Each try has GCP_CONTROL_TOTAL_MS, with a large
 * body more. r holds the last reply, also of a failed call. */
int gcp_call(const struct gcp_site *site, struct http_session *s, const struct http_request *q,
             struct http_response *r, struct err *e) MUST_CHECK;
/* One try: adds the token, sends, turns a status of 400 and more into an error. */
int gcp_try(const struct gcp_site *site, struct http_session *s, const struct http_request *q,
            struct http_response *r, struct err *e) MUST_CHECK;

/* The same without a token, for a URL that is a right by itself and may be of another host. */
int gcp_try_without_token(const struct gcp_site *site, struct http_session *s, const struct http_request *q,
                          struct http_response *r, struct err *e) MUST_CHECK;
/* A refusal as an error, with Google's words (cloud.google.com/apis/design/errors) and without the query.
 * Always -1. */
int gcp_fail_from_reply(const char *method, const char *url, const struct http_response *r, struct err *e);

/* Waiting between tries, for callers that repeat by themselves (downloads, upload sessions). */
struct gcp_patience {
    struct backoff backoff;
    int64_t deadline_ms;
};

void gcp_patience_init(struct gcp_patience *p, const struct gcp_site *site);
/* After progress (net/http.h says what is none): the clock starts again. */
void gcp_patience_renew(struct gcp_patience *p, const struct gcp_site *site);
/* Sleeps and empties *e when the error is worth another try; otherwise -1 and *e stays. */
int gcp_patience_wait(struct gcp_patience *p, const struct gcp_site *site, const struct http_response *r,
                      struct err *e) MUST_CHECK;

#endif
