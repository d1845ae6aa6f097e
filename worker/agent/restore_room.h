/*
 * Whether the next attempt has room for what is committed: staging.inputLimit, less
 * what the inputs take. Said at commit, while the program can still be changed or
 * keep less, and not only when the next attempt fails. Nothing fails.
 */
#ifndef AGENT_RESTORE_ROOM_H
#define AGENT_RESTORE_ROOM_H

#include "agent/input_room.h"
#include "agent/report_writer.h"
#include "seal/manifest.h"

/* Zeroed: nothing is said. */
struct restore_room {
    struct report_writer *report; /* borrowed */
    struct footprint_room room;   /* with the inputs in it */
    bool has_said_part, has_said_none;
};

struct restore_room restore_room_of(const struct assignment *assignment, const struct footprint *inputs,
                                    struct report_writer *report);
/* snapshot: what was committed last, in the order of its paths. Warns once when older checkpoints would be
 * left out, and once when there would be no room for the newest one either. */
void restore_room_check(struct restore_room *r, const struct manifest *snapshot);

#endif
