/*
 * The cached pods by the job that they belong to, so that a pass over one job does
 * not look at the pods of all. Borrows the facts; the informer that owns them tells
 * of every change before it frees what was. Nothing here fails.
 */
#ifndef CACHE_PODS_BY_JOB_H
#define CACHE_PODS_BY_JOB_H

#include "core/model/world.h"

struct pods_by_job;

struct pods_by_job *pods_by_job_new(void) MUST_CHECK RETURNS_NONNULL;
void pods_by_job_free(struct pods_by_job *g); /* NULL is fine */
/* before NULL: new; after NULL: gone. */
void pods_by_job_update(struct pods_by_job *g, const struct pod_facts *before, const struct pod_facts *after);
/* The pods with that job uid, in any order; valid until the next change. */
const struct pod_facts *const *pods_by_job_get(const struct pods_by_job *g, const char *job_uid,
                                               size_t *ret_count);

#endif
