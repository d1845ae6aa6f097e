/*
 * The status subresource of a TrainingJob as JSON. Nothing here fails: what status_encode() did not write is
 * skipped when it is read.
 */
#ifndef API_STATUS_JSON_H
#define API_STATUS_JSON_H

#include "api/job.h"

/* A new reference; equal statuses give equal bytes. */
json_t *status_encode(const struct job_status *s) MUST_CHECK;
/* `status` may be NULL: nothing was written yet. Borrows from it and from the arena. */
void status_decode(const json_t *status, struct arena *a, struct job_status *ret);
/* Whether both encode to the same JSON. */
bool status_equal(const struct job_status *a, const struct job_status *b);

#endif
