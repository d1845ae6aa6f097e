/*
 * What this container is given in its environment: the assignment and the uid of
 * its pod. Read once at the start. Fails with ERR_INVALID when operator and worker
 * image are from different releases.
 */
#ifndef AGENT_ENVIRONMENT_H
#define AGENT_ENVIRONMENT_H

#include "agentapi/assignment.h"

/* The result borrows from the arena. */
int environment_read(struct arena *a, struct assignment *ret, struct err *e) MUST_CHECK;

#endif
