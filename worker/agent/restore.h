/*
 * Restoring: which snapshot an attempt begins with, and its files in the memory
 * volume. Blocking; runs on the work thread.
 */
#ifndef AGENT_RESTORE_H
#define AGENT_RESTORE_H

#include "agent/staging.h"
#include "seal/head.h"

/* A committed snapshot. */
struct snapshot_found {
    struct manifest_ref at; /* its name is NULL: there is none */
    struct manifest manifest;
};

void snapshot_found_fini(struct snapshot_found *f);

/*
 * The newest snapshot that an earlier attempt has committed, or this pod itself before its agent was
 * restarted, from head on. Not one that the assignment passes over, nor one that a later snapshot was built
 * without. CHECKPOINT_ROLLED_BACK when head does not lead to the assignment's anchor, SUPERSEDED when this
 * worker was replaced, and the errors of checkpoint/ancestry.h. The caller frees *ret.
 */
int restore_find(const struct assignment *assignment, const struct keyring *keys, const struct head *head,
                 struct snapshot_found *ret, struct err *e) MUST_CHECK;
/* Reports which checkpoint it is that the attempt begins with. */
void restore_report(const struct assignment *assignment, const struct snapshot_found *found,
                    struct report_writer *report);

/* What of a snapshot is restored. */
struct restore_part {
    struct manifest manifest;
    size_t left_out; /* older checkpoints that have no room */
};

void restore_part_fini(struct restore_part *p);
/* Beside the inputs that are listed. found: it may be that there is none. ERR_INPUT_VOLUME_FULL when not even
 * the newest checkpoint has room. */
int restore_choose(const struct staging *s, const struct snapshot_found *found, struct restore_part *ret,
                   struct err *e) MUST_CHECK;
/* Its files and links, as they were; nothing when there is none. The report says what is left out. */
int restore_fetch(const struct staging *s, const struct snapshot_found *found,
                  const struct restore_part *part, struct report_writer *report, struct err *e) MUST_CHECK;

#endif
