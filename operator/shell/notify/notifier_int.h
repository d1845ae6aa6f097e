/*
 * Deliveries and targets. Internal to this folder.
 */
#ifndef NOTIFY_NOTIFIER_INT_H
#define NOTIFY_NOTIFIER_INT_H

#include "base/backoff.h"
#include "gcp/loop_token.h"
#include "net/http.h"
#include "shell/notify/notifier.h"

enum delivery_state { DELIVERY_PENDING, DELIVERY_IN_FLIGHT, DELIVERY_DONE };

/* One notification to one target. */
struct delivery {
    struct delivery *next_of_job;
    struct delivery *next, *previous; /* in the target's queue, while it is pending */
    const struct notified_job *job;
    struct target *target;
    char *id;
    enum delivery_state state;
    struct http_call *call; /* in flight */
    bool is_still_pending;  /* used by notifier_follow */
};

/* A job with pending notifications. */
struct notified_job {
    char *ns;
    char *name;
    struct delivery *deliveries;
};

struct target {
    struct notifier *notifier;
    const struct notify_target *config;
    struct http_tls tls;
    struct http_loop *http;
    char *url;
    struct delivery *first, *last;
    size_t in_flight;
    struct loop_source *timer; /* ends the pause */
    struct backoff backoff;
    int64_t paused_until_ms; /* boot clock; 0 = not paused */
    bool is_failing;         /* its last delivery failed */
};

struct notifier {
    struct notifier_options options;
    struct store *jobs; /* of notified_job */
    struct target *targets;
    size_t target_count, next_target, in_flight;
    struct loop_token *token; /* of the operator's own service account; NULL when no target needs one */
};

/* ---- send.c ---- */
void target_init(struct target *t, struct notifier *n, const struct notify_target *config);
void target_fini(struct target *t);
enum send_result { SEND_STARTED, SEND_NOT_PENDING, SEND_FAILED };
/* Starts the request. SEND_NOT_PENDING: the job or its pending notification is gone. SEND_FAILED: *e says
 * why. */
enum send_result delivery_send(struct delivery *d,
                               void (*on_done)(void *delivery, const struct http_response *r,
                                               const struct err *e),
                               struct err *e) MUST_CHECK;
/* 0 when the target accepted it (2xx); otherwise *e says why not, without the URL of the target. */
int delivery_check_answer(const struct delivery *d, const struct http_response *r,
                          const struct err *transport, struct err *e) MUST_CHECK;
/* Records an event about the job: one for each target, which becomes a series when deliveries fail again. */
void delivery_record_failure(const struct delivery *d, const struct err *e);

#endif
