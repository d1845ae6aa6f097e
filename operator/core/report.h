/*
 * What an agent wrote into its own container's termination message. The message
 * of the trainer's container is never read here: the trainer could write
 * anything into it.
 */
#ifndef CORE_REPORT_H
#define CORE_REPORT_H

#include "core/world.h"

struct report {
    bool has_succeeded;
    const char *reason;
    const char *class;
    const char *message; /* a sentence with the remedy */
    int32_t exit_code;   /* of the program; -1 = unknown */
    struct status_checkpoint checkpoint;
    struct status_output output;
};

/* False when there is no report, or when it is of another pod, attempt or index than it stands in. */
bool report_of_pod(const struct pod_facts *p, struct arena *a, struct report *ret);

#endif
