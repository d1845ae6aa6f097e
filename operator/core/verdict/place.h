/*
 * Whether a worker runs on a node that the job allows, and is the pod that the operator created. Pure;
 * nothing fails.
 */
#ifndef VERDICT_PLACE_H
#define VERDICT_PLACE_H

#include "core/verdict/make.h"

/* True when the node is wrong or the pod was changed; both are Security failures. */
bool verdict_of_placement(const struct world *w, const struct pod_facts *p, struct arena *a,
                          struct verdict *ret);

#endif
