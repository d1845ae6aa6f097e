/*
 * The real caches, informers, stores and framer of one operator, put up from its flat
 * state for the length of one step. The functions of kube/client.h and os/loop.h that
 * they call are defined here: a server that answers when it is told to, timers that
 * fire at once, and a clock that stands.
 *
 * One rig at a time. What the real code did is read back into the flat state by rig_down.
 */
#ifndef TESTS_SIM_RIG_H
#define TESTS_SIM_RIG_H

#include "objects.h"

/* Puts up the given cache, or all with CACHE_COUNT. */
struct caches *rig_up(const struct state *s, struct oper *o, enum cache cache);
void rig_down(void);

/* The list that was asked for comes in: what the operator's answer (jobs, pods) or the cluster (others)
 * holds. */
void rig_list(enum cache cache);
/* One event of the watch. type: "MODIFIED", "DELETED", ... */
void rig_event(enum cache cache, const char *type, const char *object);
/* What the watch has yet to bring will not come. */
void rig_forget_queue(struct oper *o, enum cache cache);
/* The watch ends; gone: with "410 Gone", else as watches do. */
void rig_end_watch(enum cache cache, bool gone);

#endif
