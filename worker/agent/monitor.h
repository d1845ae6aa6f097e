/*
 * What makes a worker observable: progress of the trainer (by file and over the
 * loopback), reports to the operator, and metrics. Runs on the loop. Training does
 * not depend on it: a part that cannot be set up is logged and left out.
 */
#ifndef AGENT_MONITOR_H
#define AGENT_MONITOR_H

#include "agentapi/assignment.h"
#include "agent/report_writer.h"

struct gate;
struct loop;
struct monitor;

/* The program has written a line "checkpoint=PATH". */
typedef void monitor_checkpoint_fn(void *context, const char *path);

/* Call it before the trainer may start, so that the trainer cannot occupy the ports. Everything is borrowed.
 */
struct monitor *monitor_new(struct loop *loop, const struct assignment *assignment,
                            struct report_writer *report, struct gate *gate,
                            monitor_checkpoint_fn *on_checkpoint, void *context) MUST_CHECK RETURNS_NONNULL;
/* The trainer has exited: reads the last lines it wrote, before the report becomes final. */
void monitor_catch_up(struct monitor *n);
void monitor_free(struct monitor *n); /* before the gate and the report; NULL is fine */

#endif
