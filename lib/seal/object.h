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

/* One object to read. Owns its texts. */
struct seal_item {
    struct gcs_object object;
    char *path;                        /* below the target directory: relative, no "..", no empty part */
    char *associated_data;             /* text */
    uint64_t plain_bytes;              /* from a manifest, or of a stream: stream_least_plain_size */
    uint32_t key_id;                   /* from a manifest, or 0 */
    uint8_t header[STREAM_HEADER_MAX]; /* from a manifest */
    bool is_pinned;                    /* header and key_id must match */
};

void seal_item_fini(struct seal_item *item);

/* True for a path that may be created below a directory: at most 1024 bytes, parts of at most 255 bytes, none
 * empty, "." or "..". */
bool seal_path_is_safe(const char *path);

#endif
