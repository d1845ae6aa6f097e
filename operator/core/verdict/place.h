/*
 * Whether a worker is where it was to be, and what it was to be.
 */
#ifndef VERDICT_PLACE_H
#define VERDICT_PLACE_H

#include "core/verdict/make.h"

/* True when the pod is on a wrong node, or not what was sent. */
bool verdict_of_placement(const struct world *w, const struct pod_facts *p, struct arena *a,
                          struct verdict *ret);

#endif
