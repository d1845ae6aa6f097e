/*
 * Writing small objects to Cloud Storage, with preconditions. What the server stored
 * is compared with what was sent, by its reply or by looking at the object. Errors are
 * those of gcp/gcs.h.
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

/* Writes a small object. A reply that was lost or cannot be read is resolved by reading the metadata: the
 * same bytes there count as ours. *ret_generation may be NULL. ERR_CONFLICT when another version is there. */
int gcs_write_small(const struct gcs_bucket *b, const struct gcs_write *w, struct view bytes,
                    uint64_t *ret_generation, struct err *e) MUST_CHECK;

#endif
