/*
 * A worker's pod. Pure: the same job, configuration and worker give the same bytes. The job must be valid
 * (spec_problem NULL).
 */
#ifndef RENDER_WORKER_POD_H
#define RENDER_WORKER_POD_H

#include "api/job.h"
#include "core/model/operator_config.h"

/* One worker of an attempt, and what the attempt asks for, which may be newer than the job's status. */
struct worker {
    int32_t attempt;
    int32_t index;
    enum technology technology;
    struct passed_over passed_over; /* what it must not restore */
    const char *group;              /* Kueue's pod group, "" = none */
};
/* Compact JSON, with its fingerprint; the caller frees it. */
char *render_pod(const struct job *j, const struct config *c, const struct worker *w) MUST_CHECK;

#endif
