/*
 * How the program ended, and what that means for its worker. Pure; nothing fails.
 */
#ifndef AGENT_PROGRAM_END_H
#define AGENT_PROGRAM_END_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"

struct program_end {
    int code;           /* 0 to 255; 128 + n for signal n; -1: it has not ended */
    bool is_terminated; /* it had been sent SIGTERM, because the pod ends */
};

/*
 * Whether the program did its work; otherwise *why is set: TERMINATED, OUTPUT_VOLUME_FULL or COMMAND_FAILED.
 * lacks_room: the volume that it writes to is full.
 */
bool program_end_is_success(const struct program_end *end, bool lacks_room, struct err *why) MUST_CHECK;

#endif
