/*
 * Sealed objects: one plaintext file as one Tink stream in the bucket. These are
 * the values that describe them; seal/object_read.h and seal/object_write.h do
 * the work.
 *
 * Hints in an object's metadata never decide whether it is accepted. They only
 * turn "this does not authenticate" into a message that helps: another key,
 * another object's ciphertext, a truncated object.
 */
#ifndef SEAL_OBJECT_H
#define SEAL_OBJECT_H

#include "crypt/stream.h"
#include "gcp/gcs.h"

/* What the manifest records of a written object, so that nothing else can take its place. */
struct sealed {
    uint64_t plain_bytes, cipher_bytes;
    uint8_t header[STREAM_HEADER_MAX];
    uint32_t header_bytes;
    uint32_t key_id;
};

/* One object to read. There may be many thousands: what can be borrowed or computed is not stored. */
struct seal_item {
    struct gcs_object object; /* owned */
    const char *path;         /* below the target directory: relative, no "..", no empty part. Part of the
                               * object's name, or the manifest's */
    char *associated_data;    /* owned; NULL: the object's URI */
    uint64_t plain_bytes;     /* from a manifest, or of a stream: stream_least_plain_size */
    const uint8_t *header;    /* the manifest's, which must match; NULL: any */
    uint32_t key_id;          /* the same; 0: any */
};

void seal_item_fini(struct seal_item *item);
/* Drops the hint that an object gives about its name when it is the expected associated data, as it nearly
 * always is. */
void seal_item_check_hint(struct seal_item *item, const char *associated_data);

/* True for a path that may be created below a directory: at most 1024 bytes, parts of at most 255 bytes, none
 * empty, "." or "..". */
bool seal_path_is_safe(const char *path);

#endif
