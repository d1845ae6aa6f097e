/*
 * The cached pods by the job that they belong to, so that a pass over one job does
 * not look at the pods of all. Borrows the facts; the informer that owns them tells
 * of every change before it frees what was. Nothing here fails.
 */
#ifndef CACHE_PODS_BY_JOB_H
#define CACHE_PODS_BY_JOB_H

#include "core/model/world.h"

struct gangs;

struct gangs *gangs_new(void) MUST_CHECK RETURNS_NONNULL;
void gangs_free(struct gangs *g); /* NULL is fine */
/* before NULL: new; after NULL: gone. */
void gangs_change(struct gangs *g, const struct pod_facts *before, const struct pod_facts *after);
/* The pods with that job uid, in any order; valid until the next change. */
const struct pod_facts *const *gangs_pods(const struct gangs *g, const char *job_uid, size_t *ret_count);

#endif
