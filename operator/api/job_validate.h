/*
 * What the CRD's schema and CEL cannot say about a spec, and, as the schema of an
 * older release may be installed, what plan and render rely on.
 */
#ifndef API_JOB_VALIDATE_H
#define API_JOB_VALIDATE_H

#include "api/job.h"

/* -1 with the first problem: a sentence that names the field and the remedy. */
int job_spec_validate(const struct job_spec *s, struct err *e) MUST_CHECK;

#endif
