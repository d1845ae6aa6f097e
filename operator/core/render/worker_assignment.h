/*
 * The assignment of a worker: everything that its agent must know, as one JSON value in its environment.
 * Pure; the job must be valid (spec_problem NULL).
 */
#ifndef RENDER_WORKER_ASSIGNMENT_H
#define RENDER_WORKER_ASSIGNMENT_H

#include "core/render/worker_pod.h"

/* The kernel takes 128 KiB for one environment variable; we stay below. */
#define ASSIGNMENT_BYTES_MAX ((size_t)120 * 1024)

/* The value of CLOISTER_ASSIGNMENT: compact JSON; the caller frees it. */
char *render_assignment(const struct job *j, const struct config *c, const struct worker *w) MUST_CHECK;

#endif
