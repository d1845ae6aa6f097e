/*
 * The operator's metrics (metrics.def) and their export in Prometheus' text format. Lives as long as the
 * process; everything that counts something borrows it. Nothing fails.
 *
 * Transitions of jobs are read off the caches: a transition counts once, when the API server has stored it,
 * and only in the leading operator.
 */
#ifndef METRICS_TELEMETRY_H
#define METRICS_TELEMETRY_H

#include "base/strbuf.h"
#include "kube/leader.h"
#include "shell/cache/caches.h"

/* controller-runtime's results of a reconcile. */
enum reconcile_result {
    RECONCILE_SUCCESS, /* all writes succeeded, or there was nothing to do */
    RECONCILE_REQUEUE, /* a create was refused, which the queue item holds: plan again with that */
    RECONCILE_ERROR,   /* retry after a pause */
};

struct telemetry;

struct telemetry *telemetry_new(void) MUST_CHECK RETURNS_NONNULL;
void telemetry_free(struct telemetry *t); /* NULL is fine */

/* Counts the client's requests from now on; t must outlive it. server: its URL, borrowed. */
void telemetry_observe_client(struct telemetry *t, struct kube_client *client, const char *server);
/* A job was updated. */
void telemetry_job_changed(struct telemetry *t, const struct cached_job *before,
                           const struct cached_job *after);
/* A reconcile begins, that long after it became due. */
void telemetry_reconcile_begun(struct telemetry *t, int64_t late_ms);
/* It took took_ms; is_due_later: something is scheduled for later. */
void telemetry_reconcile_ended(struct telemetry *t, enum reconcile_result result, bool is_due_later,
                               int64_t took_ms);
/* A reconcile was postponed: the caches did not show an earlier write yet. */
void telemetry_stale_skip(struct telemetry *t);
void telemetry_event_dropped(struct telemetry *t);
/* A notification was sent to a target; is_delivered: the target accepted it. */
void telemetry_notification(struct telemetry *t, const char *target, bool is_delivered);

/* Gauges, taken when metrics are scraped. */
struct telemetry_gauges {
    size_t queued, running; /* jobs in the work queue; reconciles */
    int64_t unfinished_ms, longest_ms;
    const size_t *jobs; /* by phase; NULL when this process does not lead */
};

/* All metrics in Prometheus' text format. leader is NULL without leader election. */
void telemetry_write(struct telemetry *t, const struct telemetry_gauges *gauges, const struct leader *leader,
                     const char *lease_name, struct strbuf *out);

#endif
