/*
 * plan_job(): the only place that decides what to do about a job.
 *
 * Pure and total: it cannot fail, does no I/O, reads no clock, and gives the same actions for the same world
 * whatever the order of its lists. Properties, checked by tests/plan on every case:
 *   fixpoint     a status that was written is not written again for the same world, and executing the plans
 * of an otherwise unchanged world soon leaves nothing but WAKE_AT; safety       only objects whose controller
 * reference has the job's uid are changed or deleted; crash safety executing any prefix of the actions and
 * planning again leads to the same end.
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
