/*
 * What the agent measures, for Prometheus: its requests by endpoint, its own use
 * of the machine, its volumes, and what cloister-exec tells of the trainer.
 *
 * Owned by the agent; one in a process, because it listens to every http_perform
 * (from whatever thread). It has a lock of its own. Nothing fails: what cannot be
 * read is 0.
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

/* Of the trainer's container, as cloister-exec reads its cgroup. */
void meter_trainer(struct meter *m, uint64_t memory_bytes, uint64_t cpu_us);
/* The text of a scrape. */
void meter_write(struct meter *m, struct strbuf *out);

#endif
