/*
 * Why a worker failed, and which of several failures is the cause of the attempt's. Pure; nothing fails.
 *
 * Security, Key and Data failures are believed only from places that the program cannot write to: the agent's
 * own container status and authenticated reports, the pod's spec, its conditions, its node.
 */
#ifndef VERDICT_VERDICT_H
#define VERDICT_VERDICT_H

#include "core/verdict/make.h"

/* More restarts of an agent fail the attempt. */
#define AGENT_RESTARTS_MAX 5

/* False when the pod has not failed. *ret_recheck_us: wall time at which to check again, 0 = no need. */
bool verdict_of_pod(const struct world *w, const struct pod_facts *p, struct arena *a, struct verdict *ret,
                    int64_t *ret_recheck_us);
/* True when a is more likely the cause than b; among equals the caller keeps the first by index. */
bool verdict_outranks(const struct verdict *a, const struct verdict *b);
#endif
