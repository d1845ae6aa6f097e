/*
 * The connection to the agent: lines of text over a Unix stream socket. Non-blocking;
 * the owner polls `fd` and reconnects when the connection is lost. A longer line than
 * GATE_LINE_BYTES closes the connection.
 */
#ifndef EXEC_LINK_H
#define EXEC_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "agentapi/gate_protocol.h"

struct agent_link {
    const char *path;
    int fd; /* -1: not connected */
    char line[GATE_LINE_BYTES];
    size_t held;
};

/* Tries once. */
bool agent_link_connect(struct agent_link *l);
void agent_link_close(struct agent_link *l);
/* Sends one line; closes the connection when that fails. */
void agent_link_send(struct agent_link *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Reads what has arrived and calls on_line for every complete line, without its line break. False when the
 * connection is lost. */
bool agent_link_receive(struct agent_link *l, void (*on_line)(void *context, char *line), void *context);

#endif
