/*
 * What this worker tells the outside while it runs, and hears from its trainer:
 * progress by file and loopback, reports to the operator, metrics. All on the
 * loop. Nothing of it is needed for training: what cannot be set up is logged.
 */
#ifndef AGENT_NEWS_H
#define AGENT_NEWS_H

#include "agent/plan.h"
#include "agent/result.h"

struct gate;
struct loop;
struct news;

/* Before the trainer may start, so that its ports are taken by nobody else. Everything is borrowed. */
struct news *news_new(struct loop *loop, const struct plan *plan, struct result *result,
                      struct gate *gate) MUST_CHECK RETURNS_NONNULL;
/* The trainer has ended: what it said last counts before the result is final. */
void news_catch_up(struct news *n);
void news_free(struct news *n); /* before the gate and the result; NULL is fine */

#endif
