/*
 * One pass over one job: observe, plan, carry out. Everything of it lives in its
 * arena until the last write was answered; on_end runs once, then the pass is
 * gone. The status is written first, since a decision stands in status before its
 * consequences exist; only Service and NetworkPolicy, which are no attempt's, go out
 * beside it, and the rest follows together. The first write that fails ends the sending.
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

struct reconciler {
    struct kube_client *client;
    const struct caches *caches;
    struct reports_by_pod *posts;
    const struct config *config;
    struct recorder *recorder;
    struct notifier *notifier;
    bool may_write;              /* we were told that we lead, and are not about to end */
    const struct leader *leader; /* asked before each write; NULL: there is no other operator */
    /* wake_us: wall clock, 0 = never. retry_ms: what the server asked to wait after a failure, or 0. */
    void (*on_end)(struct queue_item *task, enum reconcile_result end, int64_t wake_us, int64_t retry_ms);
};

/* Nobody else leads, as far as we know: its view would be newer than ours. */
bool reconciler_may_write(const struct reconciler *pw);
/* The job must be in the cache. Sets task->pass while writes are out; may end at once. pw must outlive it. */
void reconcile_start(const struct reconciler *pw, struct queue_item *task);
/* Gives up what is on its way; on_end does not run. NULL is fine. */
void reconcile_cancel(struct reconcile *p);

#endif
