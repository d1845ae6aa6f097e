/*
 * The memory that a worker has for its inputs and the restored checkpoint: staging.inputLimit is the size of
 * their volume, and what the kernel and the agent keep of each file also has to fit into the memory of the
 * agent's container, which is inputLimit and the chart value worker.agentMemory. Pure.
 */
#ifndef AGENT_INPUT_ROOM_H
#define AGENT_INPUT_ROOM_H

#include "agentapi/assignment.h"
#include "seal/footprint.h"

/* "240Mi", or "250000000 bytes". The caller frees it. */
char *input_room_text(uint64_t bytes) MUST_CHECK RETURNS_NONNULL;
/* Nothing is in it yet. */
struct footprint_room input_room_of(const struct assignment *assignment);
/* ERR_INPUT_VOLUME_FULL when the files do not fit beside what is there. It says how many files that makes,
 * what they need and what there is. largest: the name of the largest of them. */
int input_room_check(const struct footprint_room *room, const struct footprint *f, const char *largest,
                     uint64_t largest_bytes, struct err *e) MUST_CHECK;

#endif
