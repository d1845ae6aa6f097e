/*
 * What stands between the pod's start and the trainer's: inputs and the newest
 * checkpoint in the memory volume, verified, whole or not at all.
 *
 * Blocking; runs on the work thread. Errors carry class, reason and the object's
 * name for the job's status. After a failure nothing may be shown to the trainer.
 */
#ifndef AGENT_STAGE_H
#define AGENT_STAGE_H

#include "agent/keyring.h"
#include "agent/result.h"
#include "seal/head.h"

/* Refuses where memory could be written to a disk. */
int stage_check_swap(struct err *e) MUST_CHECK;
/* Downloads and decrypts every input of the plan; *ret_bytes is what they take of the volume. */
int stage_inputs(const struct plan *plan, const struct gcp_site *site, const struct keyring *keys,
                 uint64_t *ret_bytes, struct err *e) MUST_CHECK;
/*
 * Restores the newest checkpoint that an earlier attempt committed, starting from head; *ret_name and
 * *ret_step say which (NULL: there is none). used_bytes: what the inputs take of the volume. The caller frees
 * *ret_name. CHECKPOINT_ROLLED_BACK when head does not lead to the plan's anchor.
 */
int stage_restore(const struct plan *plan, const struct gcp_site *site, const struct keyring *keys,
                  const struct head *head, uint64_t used_bytes, char **ret_name, int64_t *ret_step,
                  struct err *e) MUST_CHECK;

#endif
