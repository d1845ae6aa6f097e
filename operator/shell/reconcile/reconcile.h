/*
 * One reconcile of one job: read the caches, plan, carry out. Everything it needs is in its arena until the
 * last write was answered; on_end runs once, and then it is gone.
 *
 * The status is written first, since a decision is recorded before it is acted on; only Service and
 * NetworkPolicy, which are the same for every attempt, are created at the same time. The rest follows in
 * parallel. After the first write that fails, no other is started.
 */
#ifndef RECONCILE_RECONCILE_H
#define RECONCILE_RECONCILE_H

#include "core/model/action.h"
#include "kube/leader.h"
#include "shell/cache/caches.h"
#include "shell/cache/reports_by_pod.h"
#include "shell/events/recorder.h"
#include "shell/metrics/telemetry.h"
#include "shell/reconcile/queue_item.h"

/* What every reconcile uses; all of it is borrowed. */
struct reconciler {
    struct kube_client *client;
    const struct caches *caches;
    struct reports_by_pod *reports;
    const struct config *config;
    struct recorder *recorder;
    struct notifier *notifier;
    bool may_write;              /* this process leads and is not stopping */
    const struct leader *leader; /* asked before each write; NULL: there is no leader election */
    /* wake_us: wall clock, 0 = never. retry_ms: how long the API server asked to wait after an error, or 0.
     */
    void (*on_end)(struct queue_item *item, enum reconcile_result result, int64_t wake_us, int64_t retry_ms);
};

/* False as soon as another process may lead, whose caches would be newer than ours. */
bool reconciler_may_write(const struct reconciler *reconciler);
/* The job must be cached. item->reconcile is set while writes are in flight; may end at once. reconciler must
 * outlive it. */
void reconcile_start(const struct reconciler *reconciler, struct queue_item *item);
/* Cancels requests in flight; on_end does not run. NULL is fine. */
void reconcile_cancel(struct reconcile *r);

#endif
