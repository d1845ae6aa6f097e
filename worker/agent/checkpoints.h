/*
 * Checkpoints: finds those that the trainer has finished writing, publishes them,
 * moves HEAD, and removes them from the volume.
 *
 * An entry of the directory is finished when its name does not look temporary (a
 * leading dot, tmp-, .tmp, .part, .incomplete) and none of its regular files is open
 * for writing (a read lease is granted). A directory counts when it was renamed into
 * place or contains .metadata (PyTorch DCP). An entry that is replaced or rewritten
 * while it is published stays, and is published by a later scan. Blocking; one thread.
 */
#ifndef AGENT_CHECKPOINTS_H
#define AGENT_CHECKPOINTS_H

#include "agent/keyring.h"
#include "agent/report_writer.h"
#include "seal/head.h"

struct checkpoints;

/* head: what was read at the start; its content is moved. Everything else is borrowed. */
struct checkpoints *checkpoints_new(const struct assignment *assignment, const struct keyring *keys,
                                    struct report_writer *report, struct head *head,
                                    struct err *e) MUST_CHECK;
void checkpoints_free(struct checkpoints *c); /* NULL is fine */

/* Becomes readable when a file was renamed or closed there: a hint to scan now. */
int checkpoints_hint_fd(const struct checkpoints *c);
/*
 * Commits every finished checkpoint, oldest first. is_final: the trainer has ended, so directories count as
 * they are. ERR_SUPERSEDED when another worker has moved HEAD; OUTPUT_DENIED, OUTPUT_UNREADABLE,
 * OUTPUT_CHANGED, network errors.
 */
int checkpoints_commit(struct checkpoints *c, bool is_final, struct err *e) MUST_CHECK;

#endif
