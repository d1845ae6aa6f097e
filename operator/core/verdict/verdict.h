/*
 * Why an attempt failed: one pod judged, and the judgement that counts for the
 * whole gang.
 *
 * Security, Key and Data are believed only from where the trainer cannot write:
 * the agent's own container status, the pod's spec, its conditions, its node.
 */
#ifndef VERDICT_VERDICT_H
#define VERDICT_VERDICT_H

#include "core/verdict/make.h"

/* An agent that is restarted more often fails its attempt. */
#define AGENT_RESTARTS_MAX 5

/* False when the pod has not failed. *ret_recheck_us: judge again then (0 = no need). */
bool verdict_of_pod(const struct world *w, const struct pod_facts *p, struct arena *a, struct verdict *ret,
                    int64_t *ret_recheck_us);
/* True when a says more about the cause than b; among equals the caller keeps the first by index. */
bool verdict_outranks(const struct verdict *a, const struct verdict *b);
#endif
