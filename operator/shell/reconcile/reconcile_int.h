/*
 * A running reconcile and its writes. Internal to this folder.
 */
#ifndef RECONCILE_RECONCILE_INT_H
#define RECONCILE_RECONCILE_INT_H

#include "shell/reconcile/reconcile.h"

enum { WRITES_MAX = 8 };

struct write {
    struct reconcile *reconcile;
    const struct action *action; /* NULL: this slot is free */
    int64_t begun_ms;            /* boot clock */
    struct kube_call *call;
    void (*on_end)(struct write *w);
};

struct reconcile {
    const struct reconciler *reconciler;
    struct queue_item *item;
    struct arena *arena;
    json_t *tree; /* the job as JSON */
    struct job job;
    struct action *actions; /* the plan, in the arena */
    size_t count, next;
    size_t departed; /* how many of item->departed the plan takes into account */
    struct write writes[WRITES_MAX];
    size_t in_flight;
    bool is_created; /* something was */
    bool is_refused; /* a create was */
    bool is_failed;
    int64_t wake_us, retry_ms;
};

#endif
