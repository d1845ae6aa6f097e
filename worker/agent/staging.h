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
#include "seal/fetch.h"

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

/* Fetches a set into a directory of the volume, which is made. ERR_INPUT_VOLUME_FULL before anything is
 * fetched when it has no room. */
int stage_fetch(struct staging *s, const struct seal_context *seal, const struct seal_set *set,
                const char *directory, struct err *e) MUST_CHECK;

#endif
