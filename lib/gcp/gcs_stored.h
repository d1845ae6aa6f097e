/*
 * Whether a write to Cloud Storage was stored: according to the reply or, if the reply
 * does not tell, by reading the object's metadata. Internal to lib/gcp; shared by
 * gcs_write.c and gcs_upload.c.
 */
#ifndef GCP_GCS_STORED_H
#define GCP_GCS_STORED_H

#include "gcp/gcs_write.h"
#include "gcp/replies.h"

/* A write: what was sent, and what is known about its result. b and w are borrowed. */
struct gcs_stored {
    const struct gcs_bucket *b;
    const struct gcs_write *w;
    uint64_t size;       /* of the sent bytes */
    uint32_t crc32c;     /* of the sent bytes */
    uint64_t replied;    /* generation that the reply gave to this write; 0: none */
    uint64_t generation; /* of the stored object, once it is known to be ours */
    int event;           /* fault of the reply */
};

/* The object resource to create, as compact text; crc is NULL while it is not known. The caller frees it. */
char *gcs_stored_resource(const struct gcs_write *w, const uint32_t *crc) MUST_CHECK RETURNS_NONNULL;
/* URL of the write; type: "multipart" or "resumable". The caller frees it. */
char *gcs_stored_url(const struct gcs_bucket *b, const struct gcs_write *w,
                     const char *type) MUST_CHECK RETURNS_NONNULL;

/* Reads the description of the written object from a reply; a struct gcp_request's read. */
int gcs_stored_read(void *stored, const struct http_response *r, struct err *e) MUST_CHECK;
/* Reads the object's metadata; a struct gcp_request's look_up. The object is ours if size, checksum and the
 * metadata that was sent are equal: ACCEPT. AGAIN if it is absent and may still be written; FINAL with
 * CONFLICT if it is another version, with PROTOCOL if it is ours and damaged. */
enum reply_action gcs_stored_look_up(void *stored, struct err *e) MUST_CHECK;

#endif
