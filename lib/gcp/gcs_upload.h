/*
 * Writing large objects to Cloud Storage in chunks, by a resumable upload, with the
 * preconditions and comparisons of gcp/gcs_write.h. Errors are those of gcp/gcs.h.
 */
#ifndef GCP_GCS_UPLOAD_H
#define GCP_GCS_UPLOAD_H

#include "gcp/gcs_write.h"

/* Bytes that are made while they are sent. produce fills the next length bytes; it is called once for each
 * byte, in order, because a chunk is kept until the server has it. */
struct gcs_content {
    uint64_t size; /* > 0 */
    int (*produce)(void *context, void *out, size_t length, struct err *e);
    void *context;
};

/* ERR_GONE when the server has lost the session: the caller starts over with new content, after a pause.
 * ERR_CONFLICT when another version is there. */
int gcs_upload(const struct gcs_bucket *b, const struct gcs_write *w, const struct gcs_content *content,
               struct err *e) MUST_CHECK;

#endif
