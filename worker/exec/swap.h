/*
 * Whether this container's memory could be swapped to a disk. Its own cgroup
 * decides: the agent's container has a different limit.
 */
#ifndef EXEC_SWAP_H
#define EXEC_SWAP_H

#include <stdbool.h>

/* True also when that cannot be determined. */
bool swap_is_possible(void);

#endif
