/*
 * What is staged, and what it takes: remembered for an agent that is restarted, because the trainer may be
 * reading the inputs. Blocking.
 */
#ifndef AGENT_STAGED_H
#define AGENT_STAGED_H

#include "base/attr.h"
#include "seal/footprint.h"

#include "base/err.h"

/* False: nothing is staged yet. *ret: what the inputs take. */
bool staged_read(struct footprint *ret) MUST_CHECK;
/* Everything is staged. */
int staged_write(const struct footprint *inputs, struct err *e) MUST_CHECK;

#endif
