/*
 * One page of a listing of Cloud Storage, judged by where it stands in the listing: names
 * begin with the prefix and follow one another, and the next page is another one. Owns its
 * objects and texts. Pure.
 */
#ifndef GCP_GCS_PAGE_H
#define GCP_GCS_PAGE_H

#include <jansson.h>

#include "gcp/gcs.h"

struct gcs_page {
    struct gcs_object *objects;
    size_t count;
    char *next; /* token of the next page; "": there is none */
};

struct gcs_page_place {
    const char *prefix;
    const char *token; /* of this page; "": the first one */
    const char *last;  /* the name before this page; "": none */
};

void gcs_page_fini(struct gcs_page *p); /* leaves an empty page */
/* tree: a JSON object. A page that is refused leaves *ret alone and sets *event (gcp/replies.h). */
int gcs_page_decode(const json_t *tree, const struct gcs_page_place *place, struct gcs_page *ret, int *event,
                    struct err *e) MUST_CHECK;

#endif
