/*
 * Writing objects to Cloud Storage, with preconditions. The checksum of what the
 * server stored is compared with that of what was sent. Errors are those of
 * gcp/gcs.h.
 */
#ifndef GCP_GCS_WRITE_H
#define GCP_GCS_WRITE_H

#include "gcp/gcs.h"

#define GCS_ANY_GENERATION UINT64_MAX

struct gcs_metadata {
    const char *key, *value;
};

/* The object to write. All of it is borrowed for the call. */
struct gcs_write {
    const char *name;
    uint64_t if_generation; /* the object's present generation; 0: it must not exist; GCS_ANY_GENERATION */
    const struct gcs_metadata *metadata;
    size_t metadata_count;
};

/* Writes a small object. A lost reply is resolved by reading the metadata: the same bytes there count as
 * ours. *ret_generation may be NULL. ERR_CONFLICT when another version is there. */
int gcs_write_small(const struct gcs_bucket *b, const struct gcs_write *w, struct view bytes,
                    uint64_t *ret_generation, struct err *e) MUST_CHECK;

/* Bytes that are made while they are sent. produce fills the next length bytes; it is called once for each
 * byte, in order, because a chunk is kept until the server has it. */
struct gcs_content {
    uint64_t size;
    int (*produce)(void *context, void *out, size_t length, struct err *e);
    void *context;
};

/* A resumable upload. ERR_GONE when the server has lost the session: the caller starts over with new content.
 * ERR_CONFLICT as above. */
int gcs_upload(const struct gcs_bucket *b, const struct gcs_write *w, const struct gcs_content *content,
               struct err *e) MUST_CHECK;

#endif
