/*
 * Cloud Storage (JSON API v1): listing, looking, ranged reading, writing with
 * preconditions, resumable uploads. Every call repeats by itself as long as that
 * is safe; checksums (CRC32C of the stored object) are compared with ours.
 *
 * Names go as they are (UTF-8, any character); URIs are gs://BUCKET/OBJECT.
 * Errors name the object: NOT_FOUND, DENIED, CONFLICT (a precondition did not
 * hold), DATA_CHANGED (the object was replaced while it was read), PROTOCOL (the
 * answer is about objects that were not asked for), and those of gcp/call.h.
 */
#ifndef GCP_GCS_H
#define GCP_GCS_H

#include "gcp/call.h"

/* Names of the hints in an object's metadata. They never decide anything: whoever writes to the bucket writes
 * them. */
#define GCS_KEY_ID_HINT "cloister-key-id"
#define GCS_NAME_HINT   "cloister-name"
#define GCS_SIZE_HINT   "cloister-size"

struct gcs_object {
    char *bucket;
    char *name;
    uint64_t size;       /* bytes stored */
    uint64_t generation; /* 0: not known */
    uint32_t crc32c;
    bool is_encoded;      /* contentEncoding is set: what is read may not be what is stored */
    uint32_t key_id;      /* hint: the Tink key it was encrypted under, or 0 */
    char *sealed_name;    /* hint: the name that it was encrypted for, or NULL */
    uint64_t sealed_size; /* hint: bytes that were written, or 0 */
};

void gcs_object_fini(struct gcs_object *o);

/* "gs://bucket/name" split; both are the caller's. name may be empty. */
int gcs_uri_parse(const char *uri, char **ret_bucket, char **ret_name, struct err *e) MUST_CHECK;
/* gs://bucket/name; the caller frees it. */
char *gcs_uri(const char *bucket, const char *name) MUST_CHECK;

/* Calls fn for every object below the prefix, in the order of names; fn may keep what it takes out of *o. */
int gcs_list(const struct gcp_site *site, struct http_session *s, const char *bucket, const char *prefix,
             int (*fn)(void *context, struct gcs_object *o, struct err *e), void *context,
             struct err *e) MUST_CHECK;
/* The newest version's metadata. */
int gcs_stat(const struct gcp_site *site, struct http_session *s, const char *bucket, const char *name,
             struct gcs_object *ret, struct err *e) MUST_CHECK;
/* Reads o->size bytes of o's generation in order; goes on where a broken connection left off. sink ends it
 * with -1. */
int gcs_read(const struct gcp_site *site, struct http_session *s, const struct gcs_object *o,
             int (*sink)(void *context, const void *bytes, size_t length, struct err *e), void *context,
             struct err *e) MUST_CHECK;
/* A small object at once, with its generation. */
int gcs_read_small(const struct gcp_site *site, struct http_session *s, const char *bucket, const char *name,
                   struct strbuf *ret, uint64_t *ret_generation, struct err *e) MUST_CHECK;

/* Metadata to store with an object; a pair of texts. */
struct gcs_pair {
    const char *key, *value;
};

#define GCS_ANY_GENERATION UINT64_MAX

/*
 * Writes a small object, only if its present generation is if_generation (0: it must not exist;
 * GCS_ANY_GENERATION: whatever is there). A lost reply is resolved by looking: the same bytes there count as
 * ours. *ret_generation may be NULL. ERR_CONFLICT when something else is there.
 */
int gcs_write_small(const struct gcp_site *site, struct http_session *s, const char *bucket, const char *name,
                    struct view bytes, const struct gcs_pair *pairs, size_t pair_count,
                    uint64_t if_generation, uint64_t *ret_generation, struct err *e) MUST_CHECK;

/*
 * A resumable upload of exactly size bytes to a name that must not exist yet (or, with if_generation, be
 * that). produce fills a chunk; it is called once for each byte, in order: what was produced is kept until
 * the server has it, and sent again if needed. ERR_GONE when the server has lost the session: to be done
 * again from the start.
 */
int gcs_upload(const struct gcp_site *site, struct http_session *s, const char *bucket, const char *name,
               uint64_t size, const struct gcs_pair *pairs, size_t pair_count, uint64_t if_generation,
               int (*produce)(void *context, void *out, size_t length, struct err *e), void *context,
               struct err *e) MUST_CHECK;

#endif
