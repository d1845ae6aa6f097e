/*
 * TrainingJob objects of the API server as struct job.
 */
#ifndef API_JOB_DECODE_H
#define API_JOB_DECODE_H

#include "api/job.h"

/*
 * The job borrows from `object` and from the arena (api/job.h). ERR_INVALID only when the object is no
 * TrainingJob (name, uid or namespace missing). A bad spec is not an error: it sets spec_problem. Fields of
 * the status that cannot be read are left at their defaults.
 */
int job_decode(const json_t *object, struct arena *a, struct job *ret, struct err *e) MUST_CHECK;

#endif
