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
/* Its files and links, as they were. Older checkpoints that have no room are left out, which the report says.
 */
int restore_fetch(struct staging *s, const struct snapshot_found *found, struct report_writer *report,
                  struct err *e) MUST_CHECK;

#endif
