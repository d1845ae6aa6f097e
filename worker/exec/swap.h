/*
 * Could what this container has in memory be written to a disk? Its own cgroup
 * says: the agent's has another limit.
 */
#ifndef EXEC_SWAP_H
#define EXEC_SWAP_H

#include <stdbool.h>

/* Also when it cannot be told. */
bool swap_is_possible(void);

#endif
