/*
 * plan(): the only place that decides.
 *
 * Total and pure: it cannot fail, does no I/O, reads no clock, and gives the same
 * actions for the same world whatever the order of its lists. Laws (tests/plan):
 *   fixpoint     a status that was written is not written again for the same world, and carrying out the
 *                plans of a world that changes in no other way soon leaves WAKE_AT at most;
 *   safety       it touches only objects whose owner reference carries the job's uid;
 *   crash-safety carrying out any prefix of the actions and planning again leads to the same end.
 */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include "core/model/action.h"
#include "core/model/world.h"

struct plan {
    const struct action *actions;
    size_t count;
};

/* The plan and everything in it lives in the arena or is borrowed from the world. */
struct plan plan_job(const struct world *w, struct arena *a);

#endif
