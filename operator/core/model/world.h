/*
 * The world as plan() sees it: one job, its objects, and the time.
 *
 * Everything is const and borrowed for the length of one run. The shell fills it from its caches
 * (operator/shell/cache), tests fill it from JSON. Nothing here fails. What plan() relies on:
 *   - `pods` has every pod with the job's uid in LABEL_JOB_UID, of any attempt, in any order, and is at least
 * as new as the job's status (the shell lists jobs first, then pods, each with a consistent read);
 *   - the world includes all writes of this process;
 *   - `nodes` has at least the nodes that the pods are bound to, as far as they exist.
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

/* A notification that a target has received; known to the shell, in memory only. */
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
    /* Workers that left since the last run, as they were seen last; kept by the shell, in memory only. A pod
     * that left while no operator was watching is missing here. */
    const struct pod_facts *const *departed;
    size_t departed_count;
    const struct node_facts *const *nodes;
    size_t node_count;
    const struct report_facts *const *reports; /* of those pods, sorted by pod_uid; may be missing */
    size_t report_count;
    int32_t confidential_nodes[TECHNOLOGY_COUNT]; /* in the whole cluster, by label */
    int32_t spot_nodes[TECHNOLOGY_COUNT];         /* Spot VMs among them */
    struct refusal refusal;
    struct scaling scaling;
    const struct delivered *delivered; /* of this job's pending notifications */
    size_t delivered_count;
    /* Wall time before which a status that only reports progress is not written; 0 = it may be written now.
     */
    int64_t status_after_us;
};

#endif
