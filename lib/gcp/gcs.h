/*
 * Cloud Storage (JSON API v1): open buckets and their objects' metadata.
 * gcp/gcs_list.h lists the objects; gcp/gcs_read.h, gcp/gcs_write.h and
 * gcp/gcs_upload.h read and write them.
 *
 * Every call retries by itself as long as that is safe (gcp/replies.def). Object
 * names are UTF-8 and may hold any character; URIs are gs://BUCKET/OBJECT.
 *
 * Errors name the object: NOT_FOUND, DENIED, CONFLICT (a precondition did not
 * hold), DATA_CHANGED (the object was replaced while it was read), DATA_ENCODED (it
 * was stored with a Content-Encoding), PROTOCOL (the reply does not match the
 * request), and those of gcp/call.h.
 */
#ifndef GCP_GCS_H
#define GCP_GCS_H

#include "gcp/call.h"

/* Keys of the hints in an object's metadata. Nothing may depend on them: anybody who can write to the bucket
 * can set them. */
#define GCS_KEY_ID_HINT "cloister-key-id"
#define GCS_NAME_HINT   "cloister-name"
#define GCS_SIZE_HINT   "cloister-size"

/* A bucket and one thread's connection to it. */
struct gcs_bucket {
    struct gcp_client client; /* owned */
    char *name;               /* owned */
};

/* Sends no request: whether the bucket exists shows when it is used. */
void gcs_bucket_open(struct gcs_bucket *ret, const struct gcp_config *config, const char *name);
void gcs_bucket_close(struct gcs_bucket *b); /* a bucket that was never opened (all zero) is fine */

/* An object's metadata. */
struct gcs_object {
    char *name;
    uint64_t size;        /* bytes stored */
    uint64_t generation;  /* of these bytes; never 0 */
    bool has_crc32c;      /* the server said it */
    uint32_t crc32c;      /* of the bytes stored */
    bool is_encoded;      /* contentEncoding is set: the bytes read may differ from the bytes stored */
    uint32_t key_id;      /* hint: id of the Tink key it was encrypted with, or 0 */
    char *sealed_name;    /* hint: the name that it was encrypted for, or NULL */
    uint64_t sealed_size; /* hint: number of bytes that were written, or 0 */
};

void gcs_object_fini(struct gcs_object *o);

/* "gs://bucket/name" split; the caller frees both. The name may be empty. */
int gcs_uri_parse(const char *uri, char **ret_bucket, char **ret_name, struct err *e) MUST_CHECK;
/* gs://bucket/name; the caller frees it. */
char *gcs_uri(const char *bucket, const char *name) MUST_CHECK;

/* Metadata of the object's newest version. The caller calls gcs_object_fini. */
int gcs_stat(const struct gcs_bucket *b, const char *name, struct gcs_object *ret, struct err *e) MUST_CHECK;

#endif
