/*
 * A running pass and its writes. Internal to operator/shell.
 */
#ifndef RECONCILE_RECONCILE_INT_H
#define RECONCILE_RECONCILE_INT_H

#include "shell/reconcile/reconcile.h"

enum { WRITES_AT_ONCE = 8 };

struct write {
    struct reconcile *pass;
    const struct action *action; /* NULL: not in use */
    int64_t begun_ms;            /* boot clock */
    struct kube_call *call;
};

struct reconcile {
    const struct reconciler *pw;
    struct queue_item *task;
    struct arena *arena;
    json_t *tree; /* of the job */
    struct job job;
    struct action *actions; /* with copies of what plan() borrowed from the world */
    size_t count, next;
    size_t departed; /* so many of the task's are decided on */
    struct write writes[WRITES_AT_ONCE];
    size_t in_flight;
    bool is_created, is_failed, is_refused;
    int64_t wake_us, retry_ms;
};

/* Sends the action in that slot. */
void write_start(struct write *w);
/* A write was answered and judged: send more, or end. */
void reconcile_continue(struct reconcile *p);

#endif
