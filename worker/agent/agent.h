/*
 * The agent: one worker pod's way from its identity to its published output.
 *
 * The main thread runs the loop (the gate to cloister-exec, signals); one work
 * thread does everything that blocks: identity, keys, inputs, restore,
 * checkpoints, output. agent_serve returns only after SIGTERM: a sidecar that
 * ends by itself would be started again for ever.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "base/attr.h"
#include "base/err.h"

/* 0 after SIGTERM; -1 when the assignment cannot be read or the socket cannot be made. */
int agent_serve(struct err *e) MUST_CHECK;

#endif
