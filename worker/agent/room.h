/*
 * Room for the next checkpoint. Nothing vanishes under the program while there is room. When the largest
 * checkpoint so far would not fit again, the oldest ones that are committed and have enough newer successors
 * are removed from the volume, but none that the program has read back.
 */
#ifndef AGENT_ROOM_H
#define AGENT_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "volume/commits.h"

struct room {
    int directory_fd;       /* of the checkpoints; borrowed */
    uint64_t largest_bytes; /* of all checkpoints so far, in whole pages */
    bool has_said;
};

/* After a commit, and each second. */
void room_make(struct room *r, struct volume *v);
/* Not even a page is left. */
bool room_is_out(const struct room *r);

#endif
