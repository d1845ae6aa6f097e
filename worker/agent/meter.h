/*
 * The agent's metrics for Prometheus: its requests by endpoint, its resource usage,
 * its volumes, and the resource usage of the trainer as cloister-exec reports it.
 *
 * Owned by the agent; one per process, because it observes every http_perform, on
 * any thread. It has its own lock. Nothing fails: a value that cannot be read is 0.
 */
#ifndef AGENT_METER_H
#define AGENT_METER_H

#include "agentapi/assignment.h"
#include "base/strbuf.h"
#include "net/http_session.h"

struct meter;

/* Before the first request. assignment is borrowed. */
struct meter *meter_new(const struct assignment *assignment) MUST_CHECK RETURNS_NONNULL;
/* After the last request. NULL is fine. */
void meter_free(struct meter *m);

/* Resource usage of the trainer's container, as cloister-exec reads it from its cgroup. */
void meter_trainer(struct meter *m, uint64_t memory_bytes, uint64_t cpu_us);
/* The text of a scrape. */
void meter_write(struct meter *m, struct strbuf *out);

#endif
