/*
 * Reading sealed objects, as a whole and in constant memory. Only verified
 * plaintext leaves this module.
 *
 * Errors: DATA_TAMPERED, DATA_TRUNCATED, DATA_SWAPPED, KEY_MISMATCH,
 * DATA_NOT_FOUND, DATA_ACCESS_DENIED, DATA_CHANGED, and those of gcp/call.h. They
 * name the object's URI.
 */
#ifndef SEAL_OBJECT_READ_H
#define SEAL_OBJECT_READ_H

#include "base/byte_sink.h"
#include "seal/context.h"
#include "seal/object.h"

/* Reads and verifies one object. sink gets its plaintext in order; what it got counts only when 0 is
 * returned. Also fails with the sink's error. */
int seal_read(const struct seal_context *c, const struct seal_item *item, struct byte_sink sink,
              struct err *e) MUST_CHECK;
/* The same into a new file item->path below a directory; missing parents are created. ENOSPC is
 * ERR_INPUT_VOLUME_FULL, a path that is already taken ERR_INVALID. */
int seal_read_file(const struct seal_context *c, const struct seal_item *item, int directory_fd,
                   struct err *e) MUST_CHECK;

#endif
