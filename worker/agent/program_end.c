#include "agent/program_end.h"

#include <stddef.h>

#include "base/banned.h"

bool program_end_is_success(const struct program_end *end, bool lacks_room, struct err *why)
{
    if (end->code == 0 && !end->is_terminated)
        return true;
    /* Programs that save their state on SIGTERM end with 0, and would have gone on without it. */
    if (end->code == 0)
        err_set(
            why, ERR_TERMINATED, NULL,
            "the trainer's command exited with code 0 after SIGTERM, because the pod was being terminated");
    else if (lacks_room)
        err_set(why, ERR_OUTPUT_VOLUME_FULL, NULL,
                "the trainer's command exited with code %d, and there is no room left for checkpoints and "
                "output",
                end->code);
    else
        err_set(why, ERR_COMMAND_FAILED, NULL, "the trainer's command exited with code %d", end->code);
    return false;
}
