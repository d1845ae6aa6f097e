/* What the files of the Cloud Storage client share. Internal to lib/gcp. */
#ifndef GCP_GCS_INT_H
#define GCP_GCS_INT_H

#include <jansson.h>

#include "gcp/gcs.h"

/* SITE/PREFIX/storage/v1/b/BUCKET/o[/NAME]; prefix is "", "/upload" or "/download". The caller frees it. */
char *gcs_url(const struct gcp_site *site, const char *prefix, const char *bucket, const char *name);
/* An object resource of the API. */
void gcs_object_decode(const json_t *resource, const char *bucket, struct gcs_object *ret);
/* The resource to create: name, crc32c (unless it is not known yet), metadata. Compact text; the caller frees
 * it. */
char *gcs_resource_text(const char *name, const uint32_t *crc, const struct gcs_pair *pairs,
                        size_t pair_count);
/* Names the object in an error. Yields -1. */
int gcs_fail(struct err *e, const char *bucket, const char *name);
/* After a write of unknown outcome: 0 when the object there has this size and checksum, with its generation.
 */
int gcs_resolve_write(const struct gcp_site *site, struct http_session *s, const char *bucket,
                      const char *name, uint64_t size, uint32_t crc, uint64_t *ret_generation,
                      struct err *e) MUST_CHECK;

#endif
