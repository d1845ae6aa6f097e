/*
 * Converts metav1.Status, the body of the API server's error responses, to an error with
 * the server's message as its text. Pure.
 */
#ifndef KOBJ_STATUS_H
#define KOBJ_STATUS_H

#include <jansson.h>

#include "base/err.h"
#include "base/view.h"

/*
 * Sets *e from an HTTP status of 400 or more and its body, which is JSON, protobuf or anything else (proxies
 * answer with HTML). The codes are:
 * 401 UNAUTHENTICATED, 403 DENIED, 404 NOT_FOUND, 409 ALREADY_EXISTS or CONFLICT, 410 GONE, 413 TOO_LARGE,
 * 429 THROTTLED, 504 TIMED_OUT, other 5xx UNAVAILABLE, all others INVALID. Always yields -1.
 */
int status_to_err(int http_status, struct view body, struct err *e);
/* The same for a parsed Status, such as that of a watch's ERROR event. */
int status_object_to_err(const json_t *status, struct err *e);

#endif
