/*
 * One action on its way to the API server, and what its answer means for the reconcile: what the caches are
 * expected to show, what was refused, and whether the reconcile has failed. Internal to this folder.
 */
#ifndef RECONCILE_WRITE_H
#define RECONCILE_WRITE_H

#include "shell/reconcile/reconcile_int.h"

/* Sends w->action, which is neither ACTION_EVENT nor ACTION_WAKE_AT. w->on_end runs once, from the loop, when
 * it was answered; kube_call_cancel(w->call) gives it up before that. */
void write_start(struct write *w);

#endif
