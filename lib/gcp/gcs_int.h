/* What the files of the Cloud Storage client share. Internal to lib/gcp; the functions are in gcs.c,
 * and those that read descriptions of objects in gcs_resource.c. */
#ifndef GCP_GCS_INT_H
#define GCP_GCS_INT_H

#include <jansson.h>

#include "gcp/gcs.h"

enum { GCS_RESOURCE_MAX = 64 * 1024 }; /* of an object's description */

/* STORAGE_URL/PREFIX/storage/v1/b/BUCKET/o[/NAME]; prefix is "", "/upload" or "/download", name may be NULL.
 * The caller frees it. */
char *gcs_url(const struct gcs_bucket *b, const char *prefix, const char *name) MUST_CHECK;
/* The JSON object in a reply, which the caller owns. NULL with *e and *event set when there is none. */
json_t *gcs_parse(const struct http_response *r, int *event, struct err *e) MUST_CHECK;
/* Reads an object resource of the API. The caller calls gcs_object_fini. A resource without a name, a
 * possible size or a generation is refused, with *event. */
int gcs_object_decode(const json_t *resource, struct gcs_object *ret, int *event, struct err *e) MUST_CHECK;
/* gcs_stat, and the object's own metadata: NULL when it has none; the caller owns it. */
int gcs_stat_with_metadata(const struct gcs_bucket *b, const char *name, struct gcs_object *ret,
                           json_t **ret_metadata, struct err *e) MUST_CHECK;
/* Base64 of the checksum's four bytes, most significant first. False when it is not that. */
bool gcs_crc_decode(struct view text, uint32_t *ret) MUST_CHECK;
/* Puts the object's URI into an error and in front of its text. Always -1. */
int gcs_fail(const struct gcs_bucket *b, const char *name, struct err *e);

#endif
