/*
 * Staging, before the trainer starts: brings the inputs and the newest checkpoint
 * into the memory volume, verified and whole.
 *
 * Blocking; runs on the work thread. Errors carry class, reason and the object's
 * name for the job's status. After a failure the volume may hold parts of the data
 * and the trainer must not start.
 */
#ifndef AGENT_STAGING_H
#define AGENT_STAGING_H

#include "agent/keyring.h"
#include "agent/report_writer.h"
#include "seal/head.h"

/* ERR_SWAP_ENABLED when the container's memory could be written to a disk. */
int stage_check_swap(struct err *e) MUST_CHECK;

/* The staging of one pod. The caller sets the assignment and the keys, which are borrowed. */
struct staging {
    const struct assignment *assignment;
    const struct keyring *keys;
    uint64_t used_bytes; /* of the memory volume */
};

/* Downloads and decrypts every input of the assignment. */
int stage_inputs(struct staging *s, struct err *e) MUST_CHECK;

/* Which checkpoint was restored. */
struct restored {
    char *name; /* owned by the caller; NULL: there is none */
    int64_t step;
};

/* Restores the newest checkpoint that an earlier attempt committed, starting from head.
 * CHECKPOINT_ROLLED_BACK when head does not lead to the assignment's anchor. */
int stage_restore(struct staging *s, const struct head *head, struct restored *ret, struct err *e) MUST_CHECK;

#endif
