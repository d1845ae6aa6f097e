/*
 * The job's own pods, sorted: the workers of the current attempt by index, and
 * all others. Only pods that carry the job's uid in their controller reference
 * and the name that an index and attempt give are the job's own.
 *
 * A node that is removed takes the pods on it along, also those that have succeeded. The status remembers
 * such workers (workers.completedIndexes), and in place of the pod stands one that has succeeded and has no
 * uid. Not so of the worker that publishes: what it has published is told by its pod.
 */
#ifndef MODEL_GANG_H
#define MODEL_GANG_H

#include "core/model/world.h"

struct gang {
    const struct pod_facts **workers;  /* of attempt; NULL = absent */
    const struct pod_facts **departed; /* of the absent ones, those that were seen to go; NULL = not seen */
    int32_t replicas;
    int32_t attempt;
    const struct pod_facts **others; /* of other attempts, by attempt and index */
    size_t other_count;
    int32_t newest; /* attempt of the newest pod, 0 = no pods; above `attempt` when the status was lost */
};

void gang_init(struct gang *g, const struct world *w, int32_t attempt, struct arena *a);

bool pod_is_terminal(const struct pod_facts *p);
/* A node was chosen for it. */
bool pod_is_bound(const struct pod_facts *p);
/* It runs or may come to run. A pod that is deleted before it is bound never will, however long a finalizer
 * keeps it. */
bool pod_is_alive(const struct pod_facts *p);
/* It stands for one that has succeeded and is gone: nothing of it can be judged or deleted. */
bool pod_is_remembered(const struct pod_facts *p);
/* Whether its success counts also when its pod is gone. */
bool worker_success_outlives_pod(const struct job *j, int32_t index);
int32_t gang_present(const struct gang *g);
int32_t gang_departed(const struct gang *g);
/* How many of the attempt's workers the status counts, and the world neither holds nor has seen to go. */
int32_t gang_missing(const struct gang *g, const struct job_status *s);
/* The first pod, of any attempt, that is alive; or NULL. */
const struct pod_facts *gang_first_alive(const struct gang *g);
struct status_workers gang_count(const struct gang *g, struct arena *a);

/* NULL when the node is not there. */
const struct node_facts *world_node(const struct world *w, const char *name);

#endif
