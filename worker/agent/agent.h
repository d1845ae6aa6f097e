/*
 * The agent of one worker pod, from getting its identity to publishing the output.
 *
 * The main thread runs the loop (the gate to cloister-exec, signals); one work
 * thread does everything that blocks: identity, keys, inputs, restore,
 * checkpoints, output. agent_serve returns only after SIGTERM: the kubelet restarts
 * a sidecar that exits.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "base/attr.h"
#include "base/err.h"

/* 0 after SIGTERM; -1 when the assignment cannot be read or the socket cannot be created. */
int agent_serve(struct err *e) MUST_CHECK;

#endif
