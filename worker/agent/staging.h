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

#include "agent/input_room.h"
#include "agent/keyring.h"
#include "agent/report_writer.h"
#include "seal/fetch.h"

/* ERR_SWAP_ENABLED when the container's memory could be written to a disk. */
int stage_check_swap(struct err *e) MUST_CHECK;

/* The staging of one pod. It borrows the assignment and the keys. */
struct staging {
    const struct assignment *assignment;
    const struct keyring *keys;
    struct footprint_room room; /* and what has been listed so far */
    struct seal_set *inputs;    /* one for each input; NULL: not listed yet */
};

struct staging staging_of(const struct assignment *assignment, const struct keyring *keys);
void staging_fini(struct staging *s);

/* Empties the volume and lists every input of the assignment. ERR_INPUT_VOLUME_FULL when there is no room for
 * all of them. */
int stage_list_inputs(struct staging *s, struct err *e) MUST_CHECK;
/* Downloads and decrypts what was listed. */
int stage_fetch_inputs(const struct staging *s, struct err *e) MUST_CHECK;
/* Fetches a set into a directory of the volume, which is made. */
int stage_fetch(const struct staging *s, const struct seal_context *seal, const struct seal_set *set,
                const char *directory, struct err *e) MUST_CHECK;

#endif
