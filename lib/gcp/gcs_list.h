/*
 * Listings of Cloud Storage. Errors are those of gcp/gcs.h.
 *
 * A page counts as a whole: none of its objects is passed on unless all of them can be
 * objects of this listing, so the server can neither repeat one nor slip one in.
 */
#ifndef GCP_GCS_LIST_H
#define GCP_GCS_LIST_H

#include "gcp/gcs.h"

/* Calls take for every object whose name begins with the prefix, in the order of names (of their bytes). take
 * may move the texts out of *o; it ends the listing with -1. */
int gcs_list(const struct gcs_bucket *b, const char *prefix,
             int (*take)(void *context, struct gcs_object *o, struct err *e), void *context,
             struct err *e) MUST_CHECK;

#endif
