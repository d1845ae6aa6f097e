/*
 * Why an attempt failed: one pod judged, and the judgement that counts for the
 * whole gang.
 *
 * Security, Key and Data are believed only from where the trainer cannot write:
 * the agent's own container status, the pod's spec, its conditions, its node.
 */
#ifndef CORE_VERDICT_H
#define CORE_VERDICT_H

#include "api/reasons.h"
#include "core/world.h"

struct verdict {
    const char *reason;
    enum err_class class;
    enum reason_retry retry;
    const char *message;         /* a sentence with the remedy */
    const struct pod_facts *pod; /* NULL = it is gone */
    const char *pod_name;        /* of a pod that is gone; else "" */
    const char *container;       /* "" = none */
    int32_t exit_code;           /* -1 = unknown */
    int32_t signal;
    int64_t time_us; /* 0 = just now */
};

/* An agent that is restarted more often fails its attempt. */
#define AGENT_RESTARTS_MAX 5

/* False when the pod has not failed. *ret_recheck_us: judge again then (0 = no need). */
bool verdict_of_pod(const struct world *w, const struct pod_facts *p, struct arena *a, struct verdict *ret,
                    int64_t *ret_recheck_us);
/* verdict_place.c: true when the pod is on a wrong node, or not what was sent. */
bool verdict_of_place(const struct world *w, const struct pod_facts *p, struct arena *a, struct verdict *ret);
/* True when a says more about the cause than b; among equals the caller keeps the first by index. */
bool verdict_outranks(const struct verdict *a, const struct verdict *b);
/* One with the class and retry of its reason, and "TEXT. To go on, REMEDY." Without a container. */
struct verdict verdict_make(struct arena *a, const struct pod_facts *p, const char *reason,
                            const char *format, ...) PRINTF_LIKE(4, 5);
/* "worker 1 (pod digits-worker-1-1 on node cc-0)" */
const char *verdict_where(struct arena *a, const struct pod_facts *p);
/* The word of our own for a container of that name that waits because of trouble, or NULL. *ret_is_final: it
 * never gets better. */
const char *trouble_of_container(const char *name, const struct container_facts *c, bool *ret_is_final);

/* What is the matter, the same while a kubelet tries, waits ("Back-off pulling ...: ErrImagePull: ...") and
 * tries again. */
const char *trouble_detail(const struct container_facts *c);

/* Until then a container of that pod that cannot start may yet do so. */
int64_t trouble_until(const struct pod_facts *p);

#endif
