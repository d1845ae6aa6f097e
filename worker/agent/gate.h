/*
 * The gate: the agent's end of the Unix socket on which cloister-exec waits to
 * start the user's command, reports its end and waits for publication.
 *
 * Runs on the loop. What it tells exec follows from the gate's state, which the
 * owner sets; a connection that is lost and made again is told the present state.
 * The owner is told what exec says; it owns the gate.
 */
#ifndef AGENT_GATE_H
#define AGENT_GATE_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct gate;
struct loop;

enum gate_state {
    GATE_WAIT,    /* inputs are not there yet */
    GATE_OPEN,    /* the command may run */
    GATE_PUBLISH, /* the command has ended, its output is on the way */
    GATE_DONE,    /* exec may exit with the command's code */
    GATE_FAIL,    /* end the command and exit with 125; final */
};

/* The command has ended with that code (128 + n for a signal). May come more than once. */
typedef void gate_exited_fn(void *context, int code);

/* What the trainer's container uses. */
typedef void gate_usage_fn(void *context, uint64_t memory_bytes, uint64_t cpu_us);

/* The trainer's container could be swapped: exec runs nothing there. */
typedef void gate_swap_fn(void *context);

/* Listens on the path (an old socket there is replaced). NULL with *e set. */
struct gate *gate_new(struct loop *loop, const char *path, gate_exited_fn *on_exited, gate_swap_fn *on_swap,
                      void *context, struct err *e) MUST_CHECK;
/* on_usage runs from now on, with the context given here. */
void gate_watch_usage(struct gate *g, gate_usage_fn *on_usage, void *context);
void gate_free(struct gate *g); /* NULL is fine */
/* text: the stage for GATE_WAIT, the message for GATE_FAIL, else ""; one line is made of it. */
void gate_set(struct gate *g, enum gate_state state, const char *text);

#endif
