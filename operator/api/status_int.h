/*
 * Pieces of the status that have a file of their own. Internal to operator/api.
 */
#ifndef API_STATUS_INT_H
#define API_STATUS_INT_H

#include "data/field.h"
#include "api/job.h"

/* status.notifications, omitted when nothing is pending. */
void status_encode_notifications(const struct job_status *s, json_t *ret);
void status_decode_notifications(const json_t *pending, struct job_status *ret);

#endif
