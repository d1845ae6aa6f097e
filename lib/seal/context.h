/*
 * A sealing context: a place in a bucket and the keyset that encrypts and
 * decrypts the objects there.
 *
 * It owns its connection and texts, and borrows the configuration and the keyset,
 * which must outlive it. Used by one thread at a time.
 */
#ifndef SEAL_CONTEXT_H
#define SEAL_CONTEXT_H

#include "crypt/keyset.h"
#include "gcp/gcs.h"

struct seal_context {
    struct gcs_bucket bucket;
    char *prefix;              /* the URI's object name; names "below the URI" are appended to it */
    const struct keyset *keys; /* NULL: only HEAD can be read */
};

/* Sends no request. uri: gs://BUCKET/PREFIX. ERR_INVALID when it is no such URI. */
int seal_open(struct seal_context *ret, const struct gcp_config *config, const char *uri,
              const struct keyset *keys, struct err *e) MUST_CHECK;
void seal_close(struct seal_context *c); /* a context that was never opened (all zero) is fine */

/* The object name of a name below the URI; the caller frees it. */
char *seal_object_name(const struct seal_context *c, const char *name) MUST_CHECK;

#endif
