/*
 * Sealed objects: one plaintext file as one Tink stream in the bucket, written
 * and read as a whole in constant memory.
 *
 * A seal_item says everything a reader must know beforehand; it owns its texts.
 * Hints in an object's metadata never decide whether it is accepted; they turn
 * "this does not authenticate" into words that help: another key, another
 * object's ciphertext, cut off.
 */
#ifndef SEAL_OBJECT_H
#define SEAL_OBJECT_H

#include "crypt/stream_reader.h"
#include "gcp/gcs.h"

/* What one written object is pinned by, for the manifest. */
struct sealed {
    uint64_t plain_bytes, cipher_bytes;
    uint8_t header[STREAM_HEADER_MAX];
    uint32_t header_bytes;
    uint32_t key_id;
};

/* One object to read. */
struct seal_item {
    struct gcs_object object;
    char *path;                        /* below the target directory: relative, no "..", no empty part */
    char *associated_data;             /* text */
    uint64_t plain_bytes;              /* as its size tells; certain once read */
    uint32_t key_id;                   /* from a manifest, or 0 */
    uint8_t header[STREAM_HEADER_MAX]; /* from a manifest */
    bool is_pinned;                    /* header and key_id are to be checked */
};

void seal_item_fini(struct seal_item *item);

/* Reads and verifies one object; sink gets only verified plaintext, in order. Errors: DATA_TAMPERED,
 * DATA_TRUNCATED, DATA_SWAPPED, KEY_MISMATCH, DATA_NOT_FOUND, DATA_ACCESS_DENIED, DATA_CHANGED, and what sink
 * returned. */
int seal_read(const struct gcp_site *site, struct http_session *s, const struct keyset *ks,
              const struct seal_item *item,
              int (*sink)(void *context, const void *bytes, size_t length, struct err *e), void *context,
              struct err *e) MUST_CHECK;
/* The same into a file that is made new below the directory fd; parents are made as needed. ENOSPC is
 * ERR_INPUT_VOLUME_FULL, a path that is taken ERR_INVALID. */
int seal_read_file(const struct gcp_site *site, struct http_session *s, const struct keyset *ks,
                   const struct seal_item *item, int directory_fd, struct err *e) MUST_CHECK;

/* Encrypts plain_bytes bytes of fd and stores them under a name that must not exist yet (if_generation 0) or
 * be that generation. Errors: OUTPUT_DENIED, CONFLICT, OUTPUT_CHANGED (somebody wrote to the file meanwhile;
 * what was stored is not to be used), ... */
int seal_write_file(const struct gcp_site *site, struct http_session *s, const struct keyset *ks,
                    const char *associated_data, int fd, uint64_t plain_bytes, const char *bucket,
                    const char *name, uint64_t if_generation, struct sealed *ret, struct err *e) MUST_CHECK;
/* The same from memory. */
int seal_write_bytes(const struct gcp_site *site, struct http_session *s, const struct keyset *ks,
                     const char *associated_data, struct view plain, const char *bucket, const char *name,
                     struct sealed *ret, struct err *e) MUST_CHECK;

/* Is this a path that may be made below a directory? */
bool seal_path_is_safe(const char *path);

#endif
