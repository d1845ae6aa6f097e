/*
 * What became of a write to Cloud Storage: whether the server stored what was sent, by
 * its reply or, where that does not say it, by looking at the object. Internal to
 * lib/gcp; gcs_write.c and gcs_upload.c share it.
 */
#ifndef GCP_GCS_STORED_H
#define GCP_GCS_STORED_H

#include "gcp/gcs_write.h"
#include "gcp/replies.h"

/* A write, what was sent, and what came of it. b and w are borrowed. */
struct gcs_stored {
    const struct gcs_bucket *b;
    const struct gcs_write *w;
    uint64_t size; /* of what was sent */
    uint32_t crc32c;
    uint64_t replied;    /* generation of which the server said that it is this write; 0: none */
    uint64_t generation; /* of the object, once it is known to be ours */
    int event;           /* where read_reply says what is wrong */
};

/* The object resource to create, as compact text; crc is NULL while it is not known. The caller frees it. */
char *gcs_stored_resource(const struct gcs_write *w, const uint32_t *crc) MUST_CHECK RETURNS_NONNULL;
/* URL of the write; type: "multipart" or "resumable". The caller frees it. */
char *gcs_stored_url(const struct gcs_bucket *b, const struct gcs_write *w,
                     const char *type) MUST_CHECK RETURNS_NONNULL;

/* Reads the description of the written object from a reply; a struct gcp_request's read. */
int gcs_stored_read(void *stored, const struct http_response *r, struct err *e) MUST_CHECK;
/* Reads the object's metadata; a struct gcp_request's look_up. The object is ours when size, checksum and the
 * metadata that was sent are equal. AGAIN when it is not there and may still be written; FINAL with CONFLICT
 * when another version is, with PROTOCOL when it is ours and damaged. */
enum reply_action gcs_stored_look_up(void *stored, struct err *e) MUST_CHECK;

#endif
