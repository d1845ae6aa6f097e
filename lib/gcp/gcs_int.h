/* What the files of the Cloud Storage client share. Internal to lib/gcp; the functions are in gcs.c. */
#ifndef GCP_GCS_INT_H
#define GCP_GCS_INT_H

#include <jansson.h>

#include "gcp/gcs.h"

/* STORAGE_URL/PREFIX/storage/v1/b/BUCKET/o[/NAME]; prefix is "", "/upload" or "/download", name may be NULL.
 * The caller frees it. */
char *gcs_url(const struct gcs_bucket *b, const char *prefix, const char *name) MUST_CHECK;
/* Reads an object resource of the API. */
void gcs_object_decode(const json_t *resource, struct gcs_object *ret);
/* Puts the object's URI into an error and in front of its text. Always -1. */
int gcs_fail(const struct gcs_bucket *b, const char *name, struct err *e);

#endif
