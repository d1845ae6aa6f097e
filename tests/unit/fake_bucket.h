/*
 * Cloud Storage with one bucket, in memory: as much of the JSON API as gcp/gcs.h
 * uses. Tests look at the objects and change them between calls, and give requests
 * a fault.
 */
#ifndef TESTS_UNIT_FAKE_BUCKET_H
#define TESTS_UNIT_FAKE_BUCKET_H

#include <jansson.h>

#include "gcp/gcs.h"
#include "loopback.h"

#define FAKE_BUCKET_NAME "bucket"

enum { FAKE_OBJECTS_MAX = 16, FAKE_FAULTS_MAX = 4, ALWAYS = INT32_MAX };

struct fake_object {
    char *name;
    struct strbuf bytes;
    uint64_t generation;
    json_t *metadata;
    bool is_encoded; /* has a contentEncoding */
};

struct fake_bucket;

/* What happens to requests whose "METHOD target RANGE" contains the text; RANGE is the value of Range or
 * Content-Range. */
struct fake_fault {
    const char *match;
    int times;                             /* so often, then no more */
    int hits;                              /* counted here */
    int status;                            /* this reply, and nothing is done; 0: it is carried out */
    void (*before)(struct fake_bucket *b); /* called first; may be NULL */
    void (*after)(struct exchange *x);     /* called last, to change the reply; may be NULL */
};

struct fake_bucket {
    struct loopback *server;
    struct gcp_config config;
    struct fake_object objects[FAKE_OBJECTS_MAX]; /* by name */
    size_t count;
    uint64_t last_generation;
    size_t page_size; /* objects on a page of a listing; 0: all */
    struct fake_fault faults[FAKE_FAULTS_MAX];
    void (*other)(struct fake_bucket *b, struct exchange *x); /* answers what is not storage; may be NULL */
    struct fake_object upload;                                /* the one session; its name is NULL: none */
    bool is_upload_done;                                      /* it has made its object */
    uint64_t upload_if_generation;
    size_t upload_takes;     /* the session keeps so many bytes of a chunk; 0: all */
    const char *session_url; /* instead of one at this server */
    int requests;
    char *last_headers; /* of the last request but for tokens */
};

void fake_bucket_start(struct fake_bucket *b); /* b must be zero but for what the test sets */
void fake_bucket_stop(struct fake_bucket *b);
/* NULL when there is no such object. */
struct fake_object *fake_bucket_find(struct fake_bucket *b, const char *name);
/* Makes the object, or a new generation of it without metadata. */
struct fake_object *fake_bucket_put(struct fake_bucket *b, const char *name, struct view bytes);
void fake_bucket_delete(struct fake_bucket *b, const char *name);

#endif
