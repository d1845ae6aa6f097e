/*
 * Containers that cannot start, as the kubelet reports them: state Waiting with a reason such as
 * ImagePullBackOff. Pure; nothing fails; texts are borrowed from the pod.
 */
#ifndef VERDICT_START_FAILURE_H
#define VERDICT_START_FAILURE_H

#include "core/model/pod_facts.h"

/* Containers of a worker's pod. */
#define POD_CONTAINERS 3

struct start_failure {
    const char *container; /* its name */
    const struct container_facts *facts;
    const char *reason; /* of api/reasons.h */
    const char *detail; /* the kubelet's message, the same whether it pulls an image or backs off */
    bool is_final;      /* trying again cannot help */
};

/* Writes the containers that cannot start, in the order in which they start; returns how many. */
size_t start_failures_of_pod(const struct pod_facts *p, struct start_failure ret[POD_CONTAINERS]);

/* Wall time until which the kubelet may go on trying; then the attempt fails. */
int64_t start_deadline_us(const struct pod_facts *p);

#endif
