/*
 * The connection to the agent: text lines over a Unix stream socket, made again
 * whenever it is lost. Non-blocking; the owner polls agent_link_fd. A line is at
 * most 4 KiB; whoever sends more is cut off.
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

/* One try. */
bool agent_link_connect(struct agent_link *l);
void agent_link_close(struct agent_link *l);
/* Sends one line; closes the connection when it does not take it. */
void agent_link_send(struct agent_link *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Reads what is there. Calls on_line for every whole line, without its end. False when the connection is
 * lost. */
bool agent_link_receive(struct agent_link *l, void (*on_line)(void *context, char *line), void *context);

#endif
