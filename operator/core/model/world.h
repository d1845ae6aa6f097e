/*
 * The world as plan() sees it: one job, what belongs to it, and the time.
 *
 * Everything is const and borrowed for the length of one pass. The shell fills
 * it from its caches (operator/shell/cache); tests fill it from JSON.
 *
 * What the shell must keep to:
 *   - `pods` holds every pod that carries the job's uid in LABEL_JOB_UID, in any order and of any attempt,
 * and is at least as new as the job's own status (list jobs first, then pods, each with a consistent read);
 *   - a world that does not yet hold this process's own writes is not planned on;
 *   - `nodes` holds at least the nodes that the pods are bound to, as far as they exist.
 */
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

#include "api/job.h"
#include "core/model/child_facts.h"
#include "core/model/operator_config.h"
#include "core/model/pod_facts.h"
#include "core/model/refusal.h"
#include "core/model/report_facts.h"
#include "core/model/scaling.h"

/* A target has taken the event with that id; known to the shell, in memory only. */
struct delivered {
    const char *id;
    const char *target;
};

struct world {
    int64_t now_us;
    const struct config *config;
    const struct job *job;
    const struct namespace_facts *ns;  /* NULL = not in the cache yet: nothing is decided */
    const struct child_facts *service; /* the one named name_service(), NULL = absent */
    const struct child_facts *policy;  /* the one named name_policy(), NULL = absent */
    const struct pod_facts *const *pods;
    size_t pod_count;
    /* Workers that have gone since the last pass, as they were seen last; kept by the shell, in memory only.
     * A pod that left while nobody looked is not among them. */
    const struct pod_facts *const *departed;
    size_t departed_count;
    const struct node_facts *const *nodes;
    size_t node_count;
    const struct report_facts *const *reports; /* of those pods, sorted by pod_uid; advice, never needed */
    size_t report_count;
    int32_t confidential_nodes[TECHNOLOGY_COUNT]; /* in the whole cluster, by label */
    int32_t spot_nodes[TECHNOLOGY_COUNT];         /* Spot VMs among them */
    struct refusal refusal;
    struct scaling scaling;
    const struct delivered *delivered; /* of this job's pending notifications */
    size_t delivered_count;
    /* A status that only tells how far things are is not written before; 0 = one may be written now. */
    int64_t status_after_us;
};

#endif
