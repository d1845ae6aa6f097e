/*
 * The gate: the agent's end of the Unix socket on which cloister-exec waits for
 * permission to start the user's command, reports its exit and waits for the output
 * to be published (agentapi/gate_protocol.h).
 *
 * Runs on the loop. The owner sets the gate's state, from which follows what is sent
 * to exec, also after a reconnect. Callbacks pass on what exec sends.
 */
#ifndef AGENT_GATE_H
#define AGENT_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct gate;
struct loop;

enum gate_state {
    GATE_WAIT,    /* the inputs are not staged yet */
    GATE_OPEN,    /* the command may run */
    GATE_PUBLISH, /* the command has exited, its output is being published */
    GATE_DONE,    /* exec may exit with the command's code */
    GATE_FAIL,    /* end the command and exit with 125; final */
};

/* The command exited with that code (128 + n for signal n). is_terminated: after it had been told to end
 * because the pod ends. May be called more than once. */
typedef void gate_exited_fn(void *context, int code, bool is_terminated);

/* Resource usage of the trainer's container. */
typedef void gate_usage_fn(void *context, uint64_t memory_bytes, uint64_t cpu_us);

/* The memory of the trainer's container could be swapped: exec does not start the command. */
typedef void gate_swap_fn(void *context);

/* Listens on the path (an old socket there is replaced). NULL with *e set. */
struct gate *gate_new(struct loop *loop, const char *path, gate_exited_fn *on_exited, gate_swap_fn *on_swap,
                      void *context, struct err *e) MUST_CHECK;
/* Calls on_usage from now on, with this context. */
void gate_watch_usage(struct gate *g, gate_usage_fn *on_usage, void *context);
void gate_free(struct gate *g); /* NULL is fine */
/* text: the stage for GATE_WAIT, the message for GATE_FAIL, else "". Line breaks are replaced by spaces. */
void gate_set(struct gate *g, enum gate_state state, const char *text);

#endif
