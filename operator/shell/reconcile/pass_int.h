/*
 * A running pass and its writes. Internal to operator/shell.
 */
#ifndef RECONCILE_PASS_INT_H
#define RECONCILE_PASS_INT_H

#include "shell/reconcile/pass.h"

enum { WRITES_AT_ONCE = 8 };

struct write {
    struct pass *pass;
    const struct action *action; /* NULL: not in use */
    int64_t begun_ms;            /* boot clock */
    struct kube_call *call;
};

struct pass {
    const struct pass_world *pw;
    struct task *task;
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
void pass_go_on(struct pass *p);

#endif
