/*
 * Pieces of the status that have a file of their own. Internal to operator/api.
 */
#ifndef API_STATUS_INT_H
#define API_STATUS_INT_H

#include "api/field.h"
#include "api/job.h"

/* Fields of another type are somebody else's nonsense: skipped one by one. */
void status_decode_fields(const struct field *table, size_t count, const json_t *object, void *ret);

/* status.notifications, left out when nothing is pending. */
void status_encode_notifications(const struct job_status *s, json_t *ret);
void status_decode_notifications(const json_t *pending, struct job_status *ret);

#endif
