/*
 * The headless Service that gives a job's workers their host names. Pure; the job must be valid (spec_problem
 * NULL).
 */
#ifndef RENDER_SERVICE_H
#define RENDER_SERVICE_H

#include "api/job.h"

/* A new reference. */
json_t *render_service(const struct job *j) MUST_CHECK;

#endif
