/*
 * What the operator measures (metrics.def), and how it is told. Lives as long as the process; whoever has
 * something to count borrows it. Nothing fails.
 *
 * What happens to jobs is read off the caches: a turn counts when the API server holds it, once, and only
 * with the operator that leads.
 */
#ifndef METRICS_TELEMETRY_H
#define METRICS_TELEMETRY_H

#include "base/strbuf.h"
#include "kube/leader.h"
#include "shell/cache/caches.h"

/* How a pass ended. */
enum reconcile_result {
    RECONCILE_SUCCESS, /* everything was taken, or there was nothing to do */
    RECONCILE_REQUEUE, /* a create was refused; the task holds the words: plan again with them */
    RECONCILE_ERROR,   /* try again after a pause */
};

struct telemetry;

struct telemetry *telemetry_new(void) MUST_CHECK RETURNS_NONNULL;
void telemetry_free(struct telemetry *t); /* NULL is fine */

/* The client's requests are counted from now on; t must outlive it. */
void telemetry_observe_client(struct telemetry *t, struct kube_client *client, const char *server);
/* A job turned from one state into another. */
void telemetry_job_changed(struct telemetry *t, const struct cached_job *before,
                           const struct cached_job *after);
/* A pass begins, so late; it ended. */
void telemetry_reconcile_begun(struct telemetry *t, int64_t late_ms);
void telemetry_reconcile_ended(struct telemetry *t, enum reconcile_result end, bool is_due_later,
                               int64_t took_ms);
void telemetry_stale_skip(struct telemetry *t);
void telemetry_event_dropped(struct telemetry *t);
/* A target was sent a notification. */
void telemetry_notification(struct telemetry *t, const char *target, bool is_taken);

/* What is true now, told when it is asked for. */
struct telemetry_now {
    size_t queued, running; /* jobs in the work queue; reconciles */
    int64_t unfinished_ms, longest_ms;
    const size_t *jobs; /* by phase; NULL: we do not lead */
};

/* Everything as Prometheus reads it. leader is NULL without leader election. */
void telemetry_write(struct telemetry *t, const struct telemetry_now *now, const struct leader *leader,
                     const char *lease_name, struct strbuf *out);

#endif
