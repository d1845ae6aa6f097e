/*
 * Whose checkpoints HEAD leads to.
 *
 * HEAD proves nothing: anybody who can write to the bucket can write it. It counts as
 * far as the manifest that it names authenticates, is of this job, and says the same.
 * Blocking; one thread.
 */
#ifndef CHECKPOINT_ANCESTRY_H
#define CHECKPOINT_ANCESTRY_H

#include "seal/context.h"
#include "seal/head.h"

/* Reads a manifest of the job's checkpoints. DATA_SWAPPED when it is another one, and the errors of
 * seal/object_read.h. The caller frees *ret. */
int ancestry_read(const struct seal_context *c, const char *job_uid, const struct manifest_ref *at,
                  struct manifest *ret, struct err *e) MUST_CHECK;
/* m: the manifest that HEAD names. DATA_TAMPERED when HEAD says something else than it. */
int ancestry_check_head(const struct seal_context *c, const struct head *head, const struct manifest *m,
                        struct err *e) MUST_CHECK;

/* Whether a newer attempt, or another pod in the place of this one, has moved HEAD, as HEAD says. pod_uid:
 * NULL for a worker that commits nothing. */
bool ancestry_is_replaced(const struct head *head, int64_t attempt, const char *pod_uid) MUST_CHECK;
/* SUPERSEDED. Always -1. */
int ancestry_fail_replaced(const struct head *head, int64_t attempt, struct err *e);

#endif
