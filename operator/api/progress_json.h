/*
 * status.progress as JSON, in the form of Kubeflow Trainer's TrainJob. The program wrote it, so it is checked
 * field by field: an invalid field reads as unknown. Nothing here fails.
 */
#ifndef API_PROGRESS_JSON_H
#define API_PROGRESS_JSON_H

#include "api/job.h"

/* False when no field of it is known; *ret is then PROGRESS_NONE, or has only a time. lastUpdatedTime is
 * read, too. The arena owns the metrics. */
bool progress_decode(const json_t *object, struct arena *a, struct status_progress *ret);
/* A new reference. */
json_t *progress_encode(const struct status_progress *p) MUST_CHECK;
/* Compares everything but the time. */
bool progress_equal(const struct status_progress *a, const struct status_progress *b);

#endif
