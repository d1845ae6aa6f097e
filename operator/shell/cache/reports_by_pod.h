/*
 * The last report of each pod's agent, by the uid of the pod. Memory of this process only: a new process
 * starts empty and receives a report from every agent within a minute. Owned by the controller; nothing here
 * fails.
 */
#ifndef CACHE_REPORTS_BY_POD_H
#define CACHE_REPORTS_BY_POD_H

#include "core/model/world.h"

struct reports_by_pod;

struct reports_by_pod *reports_by_pod_new(void) MUST_CHECK RETURNS_NONNULL;
void reports_by_pod_free(struct reports_by_pod *r); /* NULL is fine */
/* Takes ownership of the facts. False when they equal the last ones. */
bool reports_by_pod_put(struct reports_by_pod *r, struct report_facts *facts);
/* The pod was deleted, or its job has finished. */
void reports_by_pod_forget(struct reports_by_pod *r, const char *pod_uid);
/* The reports of those pods, in the order of world.reports; the array is in the arena. */
const struct report_facts *const *reports_by_pod_get(const struct reports_by_pod *r,
                                                     const struct pod_facts *const *pods, size_t pod_count,
                                                     struct arena *a, size_t *ret_count);

#endif
