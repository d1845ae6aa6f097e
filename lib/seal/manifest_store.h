/*
 * Manifests in the bucket (seal/manifest.h says what they are): sealed objects that are
 * written once and read with everything checked that their reference says.
 */
#ifndef SEAL_MANIFEST_STORE_H
#define SEAL_MANIFEST_STORE_H

#include "seal/context.h"
#include "seal/manifest.h"
#include "seal/set.h"

/* Stores the manifest below the context's URI as FOLDER/manifest, which must not exist yet. folder: where its
 * own objects are, "<attempt>/<id>". Errors: those of seal/object_write.h, and TOO_LARGE. */
int manifest_write(const struct seal_context *c, struct manifest *m, const char *folder,
                   struct manifest_ref *ret, struct err *e) MUST_CHECK;

/* Reads, verifies and decodes a manifest. Errors: those of seal/object_read.h. */
int manifest_read(const struct seal_context *c, const struct manifest_ref *at, struct manifest *ret,
                  struct err *e) MUST_CHECK;
/* The manifest's objects, ready for seal_fetch; they borrow from it. name: where the manifest is, as in its
 * reference. DATA_NOT_FOUND or DATA_TRUNCATED when an object is missing or has another size. */
int manifest_objects(const struct seal_context *c, const struct manifest *m, const char *name,
                     struct seal_set *ret, struct err *e) MUST_CHECK;

#endif
