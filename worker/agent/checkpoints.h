/*
 * Checkpoints: watches what the program does in its checkpoint directory, stores
 * what is complete, and commits snapshots.
 *
 * volume/volume.h has the rules of what is complete, checkpoint/snapshot.h those of
 * what a snapshot consists of. At most one commit in ten seconds, and one at once
 * when the program has ended. Nothing is removed from the directory. Blocking; one
 * thread, beside the watcher's own.
 */
#ifndef AGENT_CHECKPOINTS_H
#define AGENT_CHECKPOINTS_H

#include "agent/keyring.h"
#include "agent/report_writer.h"
#include "seal/footprint.h"
#include "seal/head.h"

struct checkpoints;

/* head: what was read at the start; base: the snapshot that this attempt begins with. Both are taken and left
 * empty. Everything else is borrowed. */
struct checkpoints *checkpoints_new(const struct assignment *assignment, const struct keyring *keys,
                                    struct report_writer *report, struct head *head, struct manifest *base,
                                    struct err *e) MUST_CHECK;
void checkpoints_free(struct checkpoints *c); /* NULL is fine */
/* Warns from now on when the next attempt would lack room for what is committed. inputs: what they take of
 * it. */
void checkpoints_watch_room(struct checkpoints *c, const struct assignment *assignment,
                            const struct footprint *inputs);

/* A descriptor that becomes readable when the program has changed something. */
int checkpoints_fd(const struct checkpoints *c);
/* The program says that what is at that path is complete: relative to its checkpoint directory, or absolute.
 * On any thread. */
void checkpoints_name(struct checkpoints *c, const char *path);
/*
 * Takes note of what has changed, stores what has become complete, and commits when something is due. Call it
 * when the descriptor is readable, and each second. ERR_SUPERSEDED when another worker has moved HEAD,
 * OUTPUT_DENIED, network errors; what could not be stored or committed is tried again.
 */
int checkpoints_look(struct checkpoints *c, struct err *e) MUST_CHECK;
/* Whether the volume is full. */
bool checkpoints_lack_room(const struct checkpoints *c);
/* The same for the last time: the program has ended. is_success: with exit code 0, by itself. What was not
 * complete is named in the log. */
int checkpoints_end(struct checkpoints *c, bool is_success, struct err *e) MUST_CHECK;

#endif
