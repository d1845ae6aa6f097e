/*
 * Calls of Google APIs: bearer token, the rule of each reply (gcp/replies.def), and
 * another try after a backoff where that rule wants one.
 *
 * A gcp_config is shared by threads; each thread opens its own gcp_client. Codes:
 * those of gcp/replies.def, net/http.h and gcp/credentials.h, and CANCELLED.
 */
#ifndef GCP_CALL_H
#define GCP_CALL_H

#include <stdatomic.h>

#include "gcp/credentials.h"
#include "gcp/replies.h"
#include "gcp/retry.h"
#include "net/http_session.h"

/* Where the services are, as whom they are called and how long. Owned by the caller, which must keep it as
 * long as its clients; everything that it points to is borrowed. */
struct gcp_config {
    struct credentials *credentials;
    const char *kms_url;     /* "https://cloudkms.googleapis.com" */
    const char *storage_url; /* "https://storage.googleapis.com" */
    const struct http_tls *tls;
    struct gcp_retry_policy retry;   /* GCP_RETRY_POLICY */
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

/* A request and what reads its reply. Everything that it points to is borrowed. */
struct gcp_request {
    enum reply_kind kind;
    struct http_request http; /* a token is added, unless... */
    bool is_public;           /* ...the URL grants access by itself and may be at another host */
    /* Reads a reply whose status is accepted. -1 with *e set, and *event if it is a fault of the server.
     * NULL: there is nothing to read. */
    int (*read)(void *context, const struct http_response *r, struct err *e);
    /* For LOOK_UP: checks whether the object was stored. *e holds why the reply does not tell; it stays
     * unless the result is ACCEPT (emptied) or FINAL (may be replaced). */
    enum reply_action (*look_up)(void *context, struct err *e);
    void *context; /* for both */
    int *
        event; /* set by read and the callbacks of http to the fault of the reply (REPLY_FAIL); may be NULL */
};

/* One try. *e is set unless the result is REPLY_ACCEPT. Calls look_up if the rule wants it. */
enum reply_action gcp_try(const struct gcp_client *c, const struct gcp_request *q, struct http_response *r,
                          struct err *e) MUST_CHECK;
/* Tries until the call succeeds, fails for good, or the time of config->retry is over. One try takes at most
 * try_ms, and more with a large body. r holds the last reply, also that of a failed call. */
int gcp_call(const struct gcp_client *c, const struct gcp_request *q, struct http_response *r,
             struct err *e) MUST_CHECK;
/* For callers that repeat by themselves: as config says. */
void gcp_client_retry_init(const struct gcp_client *c, struct gcp_retry *ret);

#endif
