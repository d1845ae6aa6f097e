/*
 * Reading objects of Cloud Storage. Errors are those of gcp/gcs.h.
 *
 * The bytes are not compared with the object's checksum: what this tree reads is
 * authenticated by its cipher, or (HEAD) proves nothing.
 */
#ifndef GCP_GCS_READ_H
#define GCP_GCS_READ_H

#include "base/byte_sink.h"
#include "gcp/gcs.h"

/* Reads the o->size bytes of o's generation in order; resumes where a connection broke. Fails with the sink's
 * error when the sink does. */
int gcs_read(const struct gcs_bucket *b, const struct gcs_object *o, struct byte_sink sink,
             struct err *e) MUST_CHECK;
/* The newest version of an object of at most 1 MiB, appended to *ret, and its generation. */
int gcs_read_small(const struct gcs_bucket *b, const char *name, struct strbuf *ret, uint64_t *ret_generation,
                   struct err *e) MUST_CHECK;

#endif
