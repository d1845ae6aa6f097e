/*
 * What agents posted last, one entry a pod: memory of this process only. A new
 * process starts empty and hears from every agent within a minute. Owned by the
 * controller; nothing here fails.
 */
#ifndef CACHE_REPORTS_BY_POD_H
#define CACHE_REPORTS_BY_POD_H

#include "core/model/world.h"

struct reports_by_pod;

struct reports_by_pod *reports_by_pod_new(void) MUST_CHECK RETURNS_NONNULL;
void reports_by_pod_free(struct reports_by_pod *p); /* NULL is fine */
/* Takes the facts over. False when the pod had said the same before. */
bool reports_by_pod_put(struct reports_by_pod *p, struct report_facts *facts);
/* The pod is gone, or its job has ended. */
void reports_by_pod_forget(struct reports_by_pod *p, const char *pod_uid);
/* Of those pods, in the order that world.h asks for, in an array in the arena. */
const struct report_facts *const *reports_by_pod_get(const struct reports_by_pod *p,
                                                     const struct pod_facts *const *pods, size_t pod_count,
                                                     struct arena *a, size_t *ret_count);

#endif
