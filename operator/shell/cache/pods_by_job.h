/*
 * An index of the cached pods by the uid of their job, so that a reconcile does not scan all pods. Borrows
 * the facts; the informer that owns them reports every change before it frees the old facts. Nothing here
 * fails.
 */
#ifndef CACHE_PODS_BY_JOB_H
#define CACHE_PODS_BY_JOB_H

#include "core/model/world.h"

struct pods_by_job;

struct pods_by_job *pods_by_job_new(void) MUST_CHECK RETURNS_NONNULL;
void pods_by_job_free(struct pods_by_job *index); /* NULL is fine */
/* before NULL: a new pod; after NULL: a deleted one. */
void pods_by_job_update(struct pods_by_job *index, const struct pod_facts *before,
                        const struct pod_facts *after);
/* The pods with that job uid, in any order; valid until the next change. */
const struct pod_facts *const *pods_by_job_get(const struct pods_by_job *index, const char *job_uid,
                                               size_t *ret_count);

#endif
