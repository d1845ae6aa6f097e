/*
 * Children as JSON. Pure: the same job, configuration, attempt and index give the
 * same bytes. New references; the caller decrefs. The job must be valid
 * (spec_problem NULL).
 */
#ifndef RENDER_POD_H
#define RENDER_POD_H

#include "core/model/action.h"
#include "core/model/world.h"

/* The agent's plan is one environment variable; the kernel takes 128 KiB, we stay below. */
#define AGENT_PLAN_BYTES_MAX ((size_t)120 * 1024)

json_t *render_service(const struct job *j) MUST_CHECK;
/* Who may talk to the workers, and to whom they may. `attempt` and `pods`: who owns it besides the job; 0 and
 * none before they exist. */
json_t *render_policy(const struct job *j, const struct config *c, int32_t attempt,
                      const struct pod_owner *pods, size_t pod_count) MUST_CHECK;
/* One worker of an attempt, and what the attempt asks for, which is not always what the job's status says
 * that was read before it. */
struct worker {
    int32_t attempt;
    int32_t index;
    enum technology technology;
    const char *group; /* Kueue's pod group, "" = none */
};
/* Compact JSON, with its fingerprint; the caller frees it. */
char *render_pod(const struct job *j, const struct config *c, const struct worker *w) MUST_CHECK;
/* The value of CLOISTER_PLAN: compact JSON; the caller frees it. */
char *render_agent_plan(const struct job *j, const struct config *c, int32_t attempt,
                        int32_t index) MUST_CHECK;

#endif
