/*
 * Writing sealed objects, in constant memory, under the keyset's primary key.
 *
 * Errors: OUTPUT_DENIED, CONFLICT (the precondition does not hold),
 * OUTPUT_CHANGED (the file was written to meanwhile: the stored object must not be
 * used), TOO_LARGE, and those of gcp/call.h.
 */
#ifndef SEAL_OBJECT_WRITE_H
#define SEAL_OBJECT_WRITE_H

#include "seal/context.h"
#include "seal/object.h"

/* The object to write. Borrowed for the call. */
struct seal_target {
    const char *name; /* the object's whole name in the bucket */
    const char *associated_data;
    uint64_t if_generation; /* as in struct gcs_write: 0: it must not exist yet */
};

/* Encrypts the file's plain_bytes bytes (its size) and stores them. */
int seal_write_file(const struct seal_context *c, const struct seal_target *t, int fd, uint64_t plain_bytes,
                    struct sealed *ret, struct err *e) MUST_CHECK;
/* The same from memory. */
int seal_write_bytes(const struct seal_context *c, const struct seal_target *t, struct view plain,
                     struct sealed *ret, struct err *e) MUST_CHECK;

#endif
