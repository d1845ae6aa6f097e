/*
 * A job's own pods, sorted: the workers of the current attempt by index, and all others. A pod is the job's
 * own when its controller reference has the job's uid and its name is the one that its index and attempt
 * give. Pure; arrays live in the arena, pods are borrowed from the world; nothing fails.
 *
 * When a node is removed, so are its pods, including those that have succeeded. The status remembers these
 * workers (workers.completedIndexes), and a placeholder without uid that has succeeded takes the place of
 * such a pod. There is none for a coordinator that publishes, because only its pod says where the output is.
 */
#ifndef MODEL_GANG_H
#define MODEL_GANG_H

#include "core/model/world.h"

struct gang {
    const struct pod_facts **workers;  /* of attempt; NULL = absent */
    const struct pod_facts **departed; /* of absent workers: as they were seen last; NULL = not observed */
    int32_t replicas;
    int32_t attempt;
    const struct pod_facts **others; /* of other attempts, sorted by attempt and index */
    size_t other_count;
    int32_t
        newest; /* the highest attempt of any pod, 0 = no pods; above `attempt` when the status was lost */
};

void gang_init(struct gang *g, const struct world *w, int32_t attempt, struct arena *a);

/* Succeeded or failed. */
bool pod_is_terminal(const struct pod_facts *p);
/* Assigned to a node. */
bool pod_is_bound(const struct pod_facts *p);
/* It runs or may still start to run. A pod that is deleted before it is bound never will, even if a finalizer
 * keeps it. */
bool pod_is_alive(const struct pod_facts *p);
/* A placeholder of a worker that has succeeded and is gone: it cannot be judged or deleted. */
bool pod_is_remembered(const struct pod_facts *p);
/* Whether that worker's success still counts when its pod is gone. */
bool worker_success_outlives_pod(const struct job *j, int32_t index);
/* Workers of the attempt that exist, placeholders included, and those that were seen to leave. */
int32_t gang_present(const struct gang *g);
int32_t gang_departed(const struct gang *g);
/* How many workers of the attempt the status counts that neither exist nor were seen to leave. */
int32_t gang_missing(const struct gang *g, const struct job_status *s);
/* The first pod, of any attempt, that is alive; or NULL. */
const struct pod_facts *gang_first_alive(const struct gang *g);
/* The counts of status.workers. */
struct status_workers gang_count(const struct gang *g, struct arena *a);

/* NULL when the node is not in the cache. */
const struct node_facts *world_node(const struct world *w, const char *name);

#endif
