/*
 * Ranges of bytes in headers of HTTP: which part of an object a reply is, and how much of
 * an upload has arrived. Pure. False, and nothing set, for any other text.
 */
#ifndef GCP_BYTE_RANGE_H
#define GCP_BYTE_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"

/* Content-Range, "bytes FIRST-LAST/TOTAL" (RFC 9110, 14.4). A total of "*" is not known: *ret_total stays as
 * it is. */
bool byte_range_read_part(struct view text, uint64_t *ret_first, uint64_t *ret_total) MUST_CHECK;
/* Range of a 308, "bytes=0-LAST": *ret_end is the number of bytes that have arrived. Without the header, "",
 * none have. */
bool byte_range_read_arrived(struct view text, uint64_t *ret_end) MUST_CHECK;

#endif
