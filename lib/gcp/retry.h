/*
 * How often and how long requests are retried: the limits, and the waiting between
 * tries. Which replies are retried is defined in gcp/replies.def.
 */
#ifndef GCP_RETRY_H
#define GCP_RETRY_H

#include <stdatomic.h>

#include "base/attr.h"
#include "base/backoff.h"
#include "net/http.h"

/* In milliseconds. All zero: no retries. */
struct gcp_retry_policy {
    int first_ms; /* upper limit of the first wait; doubles, with jitter (base/backoff.h) */
    int most_ms;  /* the longest wait, unless the server asks for more (Retry-After), within total_ms */
    int total_ms; /* no try starts later than this after the first one or the last progress */
    int try_ms;   /* limit of one try: in total, or without progress if it transfers data */
};

/* What the agent and the plugin use. */
#define GCP_RETRY_POLICY                                                                                     \
    ((struct gcp_retry_policy){.first_ms = 250, .most_ms = 8000, .total_ms = 60 * 1000, .try_ms = 30 * 1000})

struct gcp_retry {
    const struct gcp_retry_policy *policy;     /* borrowed */
    const atomic_bool *is_cancelled;           /* ends the waiting; NULL: nothing does */
    const char *(*remedy)(enum err_code code); /* for the log; NULL: none */
    const char *message;                       /* of the line in the log */
    struct backoff backoff;
    int64_t deadline_ms; /* CLOCK_BOOTTIME */
};

/* Starts the time. The caller may then set is_cancelled, remedy and message. */
void gcp_retry_init(struct gcp_retry *t, const struct gcp_retry_policy *policy);
/* After progress (at least HTTP_PROGRESS_BYTES, net/http_session.h): starts the time again. */
void gcp_retry_renew(struct gcp_retry *t);
/* Sleeps and clears *e; -1, and *e stays, when the time is over or it was cancelled. r: the last reply, for
 * its Retry-After; NULL: none. Logs *e once in a series of failures. */
int gcp_retry_wait(struct gcp_retry *t, const struct http_response *r, struct err *e) MUST_CHECK;

#endif
