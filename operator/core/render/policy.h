/*
 * The NetworkPolicy of a job's workers. Whatever it does not allow is denied, in both directions; the
 * cluster's network plugin enforces it. Pure; the job must be valid (spec_problem NULL).
 */
#ifndef RENDER_POLICY_H
#define RENDER_POLICY_H

#include "core/model/action.h"
#include "core/model/operator_config.h"

/*
 * Who may connect to the workers, and where they may connect to. `attempt` and `pods`: the pods that own it
 * beside the job; 0 and none before they exist. A new reference.
 */
json_t *render_policy(const struct job *j, const struct config *c, int32_t attempt,
                      const struct pod_owner *pods, size_t pod_count) MUST_CHECK;

#endif
