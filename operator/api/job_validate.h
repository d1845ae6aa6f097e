/*
 * Checks of a spec that the CRD's schema and CEL cannot express, and those that plan and render rely on, as
 * the schema of an older release may be installed. Pure.
 */
#ifndef API_JOB_VALIDATE_H
#define API_JOB_VALIDATE_H

#include "api/job.h"

/* ERR_INVALID with the first problem: a sentence that names the field and the remedy. */
int job_spec_validate(const struct job_spec *s, struct err *e) MUST_CHECK;

#endif
