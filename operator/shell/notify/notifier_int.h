/*
 * Errands and targets. Internal to operator/shell/notify*.c.
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
    struct delivery *next, *previous; /* in the target's queue, while it waits */
    const struct notified_job *job;
    struct target *target;
    char *id;
    enum delivery_state state;
    struct http_call *call; /* under way */
    bool is_still_pending;  /* while a status is followed */
};

/* A job that owes something. */
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
    int64_t paused_until_ms; /* boot clock; 0: it is not */
    bool is_failing;
};

struct notifier {
    struct notifier_options options;
    struct store *jobs; /* of notified_job */
    struct target *targets;
    size_t target_count, turn, in_flight;
    struct loop_token *token; /* of the operator's own account; NULL: no target needs one */
};

/* ---- notify_send.c ---- */
void target_init(struct target *t, struct notifier *n, const struct notify_target *config);
void target_fini(struct target *t);
enum send_result { SEND_STARTED, SEND_NOT_PENDING, SEND_FAILED };
/* Starts the request. NOT_OWED: the job or its debt is gone. FAILED: *e says why it cannot be sent. */
enum send_result delivery_send(struct delivery *x,
                               void (*on_done)(void *delivery, const struct http_response *r,
                                               const struct err *e),
                               struct err *e) MUST_CHECK;
/* 0 when the target has taken it; otherwise *e says why not, without the target's URL. */
int delivery_judge(const struct delivery *x, const struct http_response *r, const struct err *transport,
                   struct err *e) MUST_CHECK;
/* An event about the delivery's job: one for each target, a series when it fails again. */
void delivery_record_failure(const struct delivery *x, const struct err *e);

#endif
