/*
 * Timestamps of the Kubernetes API (RFC 3339, UTC) to and from microseconds
 * since the Unix epoch. Pure.
 */
#ifndef BASE_RFC3339_H
#define BASE_RFC3339_H

#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"

#define RFC3339_SIZE 28 /* "2006-01-02T15:04:05.000000Z" and the terminator */

/* -1 when the text is not an RFC 3339 time. Digits beyond microseconds are dropped. */
int rfc3339_parse(struct view text, int64_t *ret_us) MUST_CHECK;
/* metav1.Time: whole seconds, "2006-01-02T15:04:05Z". */
void rfc3339_format_seconds(int64_t us, char out[RFC3339_SIZE]);
/* metav1.MicroTime. */
void rfc3339_format_micros(int64_t us, char out[RFC3339_SIZE]);

#endif
