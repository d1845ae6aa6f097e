/*
 * What this worker tells the outside while it runs, and hears from its trainer:
 * progress by file and loopback, reports to the operator, metrics. All on the
 * loop. Nothing of it is needed for training: what cannot be set up is logged.
 */
#ifndef AGENT_MONITOR_H
#define AGENT_MONITOR_H

#include "agentapi/assignment.h"
#include "agent/report_writer.h"

struct gate;
struct loop;
struct monitor;

/* Before the trainer may start, so that its ports are taken by nobody else. Everything is borrowed. */
struct monitor *monitor_new(struct loop *loop, const struct assignment *assignment,
                            struct report_writer *report, struct gate *gate) MUST_CHECK RETURNS_NONNULL;
/* The trainer has ended: what it said last counts before the result is final. */
void monitor_catch_up(struct monitor *n);
void monitor_free(struct monitor *n); /* before the gate and the result; NULL is fine */

#endif
