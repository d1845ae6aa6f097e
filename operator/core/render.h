/*
 * Children as JSON. Pure: the same job, configuration, attempt and index give the
 * same bytes. New references; the caller decrefs. The job must be valid
 * (spec_problem NULL).
 */
#ifndef CORE_RENDER_H
#define CORE_RENDER_H

#include "core/action.h"
#include "core/world.h"

/* The agent's plan is one environment variable; the kernel takes 128 KiB, we stay below. */
#define AGENT_PLAN_BYTES_MAX ((size_t)120 * 1024)

/* The worker that publishes, and that the others meet at. */
#define COORDINATOR_INDEX 0

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

#define FINGERPRINT_SIZE 17
/*
 * Sixteen hexadecimal digits over the fields of a pod that must come back as they were sent: all containers
 * (count, names, image, command, args, env, mounts, securityContext, ...), volumes, service account, host
 * namespaces, runtimeClass, required affinity. Values that the API server fills in by itself are left out of
 * account. It detects change (a webhook, an editor); who may write the annotation is the admission policy's
 * business. `spec` is the pod's, as JSON.
 */
void pod_fingerprint(struct view spec, char out[FINGERPRINT_SIZE]);
/* The same over the spec of a NetworkPolicy. */
void policy_fingerprint(const json_t *policy, char out[FINGERPRINT_SIZE]);

/* What else is wanted of a pod's spec, in the same go over its text; views are JSON. */
struct spec_text {
    char fingerprint[FINGERPRINT_SIZE];
    struct view node;
    struct view affinity;
    struct view node_selector;
    struct view gates;
};
struct skim;
/* The cursor stands before the spec. */
void pod_read_spec(struct skim *s, struct spec_text *ret);

#endif
