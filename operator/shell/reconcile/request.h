/*
 * Actions as requests to the API server: method, path and body. Nothing here judges an answer.
 */
#ifndef RECONCILE_REQUEST_H
#define RECONCILE_REQUEST_H

#include "shell/reconcile/reconcile_int.h"

/* The kind of object that an action is about. */
struct resource {
    enum cache cache;   /* where it shows up */
    const char *api;    /* path of the API group and version */
    const char *plural; /* in paths */
};

/* kind: not ACTION_ASK_AUTOSCALER, ACTION_EVENT or ACTION_WAKE_AT, which are about no such object. */
const struct resource *request_resource(enum action_kind kind);
/* The name of the object that the write is about. */
const char *request_object_name(const struct write *w);
/* Sends w->action; sets w->call. */
void request_send(struct write *w, kube_done_fn *on_answer);
/* Reads the object by its name, as a list of at most one item: the operator's role allows lists anyway, and
 * no other read. Sets w->call. */
void request_lookup(struct write *w, kube_done_fn *on_answer);

#endif
