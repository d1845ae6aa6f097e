/*
 * Errands and targets. Internal to operator/shell/notify*.c.
 */
#ifndef NOTIFY_NOTIFIER_INT_H
#define NOTIFY_NOTIFIER_INT_H

#include "base/backoff.h"
#include "gcp/loop_token.h"
#include "net/http.h"
#include "shell/notify/notifier.h"

enum errand_state { ERRAND_WAITING, ERRAND_UNDER_WAY, ERRAND_TAKEN };

/* One notification to one target. */
struct errand {
    struct errand *next_of_job;
    struct errand *next, *previous; /* in the target's queue, while it waits */
    const struct told_job *job;
    struct target *target;
    char *id;
    enum errand_state state;
    struct http_call *call; /* under way */
    bool is_still_owed;     /* while a status is followed */
};

/* A job that owes something. */
struct told_job {
    char *ns;
    char *name;
    struct errand *errands;
};

struct target {
    struct notifier *notifier;
    const struct notify_target *config;
    struct http_tls tls;
    struct http_loop *http;
    char *url;
    struct errand *first, *last;
    size_t under_way;
    struct loop_source *timer; /* ends the pause */
    struct backoff backoff;
    int64_t paused_until_ms; /* boot clock; 0: it is not */
    bool is_failing;
};

struct notifier {
    struct notifier_host host;
    struct store *jobs; /* of told_job */
    struct target *targets;
    size_t target_count, turn, under_way;
    struct loop_token *token; /* of the operator's own account; NULL: no target needs one */
};

/* ---- notify_send.c ---- */
void target_init(struct target *t, struct notifier *n, const struct notify_target *config);
void target_fini(struct target *t);
enum send_result { SEND_STARTED, SEND_NOT_OWED, SEND_FAILED };
/* Starts the request. NOT_OWED: the job or its debt is gone. FAILED: *e says why it cannot be sent. */
enum send_result errand_send(struct errand *x,
                             void (*on_done)(void *errand, const struct http_response *r,
                                             const struct err *e),
                             struct err *e) MUST_CHECK;
/* 0 when the target has taken it; otherwise *e says why not, without the target's URL. */
int errand_judge(const struct errand *x, const struct http_response *r, const struct err *transport,
                 struct err *e) MUST_CHECK;
/* An event about the errand's job: one for each target, a series when it fails again. */
void errand_tell_failure(const struct errand *x, const struct err *e);

#endif
