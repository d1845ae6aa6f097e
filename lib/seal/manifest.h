/*
 * Manifests: what a checkpoint or an output consists of, as encrypted JSON Lines.
 *
 *   {"cloister":"manifest/v1","id":...,"kind":...,"job":...,...}
 *   {"path":...,"size":...,"cipherSize":...,"header":...,"keyId":...}     sorted by path
 *   {"count":N,"sha256":"digest of all lines before this one"}
 *
 * Each line pins one object's path, sizes, whole stream header and key. The
 * manifest itself is a sealed object with associated data "cloister/v1/<id>",
 * its objects have "cloister/v1/<id>/<path>". It is accepted only when it
 * authenticates, its lines are in order, and count and digest are right.
 * A manifest owns its texts.
 */
#ifndef SEAL_MANIFEST_H
#define SEAL_MANIFEST_H

#include "crypt/digest.h"
#include "seal/object.h"
#include "seal/set.h"

#define MANIFEST_ID_SIZE 33 /* 128 random bits in hexadecimal, and the terminator */

struct manifest_entry {
    char *path;
    struct sealed sealed;
};

struct manifest {
    char id[MANIFEST_ID_SIZE];
    char *kind; /* "checkpoint" or "output" */
    char *job_namespace, *job, *job_uid;
    int64_t attempt, index;
    char *name;   /* checkpoint's name, or "" */
    int64_t step; /* number in the name, or -1 */
    char *time;   /* RFC 3339 */
    char *parent; /* name of the manifest before this one, relative to the checkpoints' URI; NULL: none */
    char *parent_sha256;
    struct manifest_entry *entries;
    size_t count;
};

void manifest_fini(struct manifest *m);
/* A new random id. */
void manifest_make_id(char ret[MANIFEST_ID_SIZE]);
/* Takes path over. */
void manifest_add(struct manifest *m, char *path, const struct sealed *sealed);
/* Sorts the entries and writes the lines; sha256 is that of the whole text. */
void manifest_encode(struct manifest *m, struct strbuf *ret, char ret_sha256[SHA256_HEX_SIZE]);
/* DATA_TAMPERED for whatever is not a manifest. */
int manifest_decode(struct view text, struct manifest *ret, struct err *e) MUST_CHECK;

/* "cloister/v1/ID" or "cloister/v1/ID/PATH"; the caller frees it. */
char *manifest_associated_data(const char *id, const char *path) MUST_CHECK;

/* Reads, verifies and decodes gs://bucket/name. sha256: what the whole text must hash to, or NULL. */
int manifest_read(const struct gcp_site *site, struct http_session *s, const struct keyset *ks,
                  const char *bucket, const char *name, const char *id, const char *sha256,
                  struct manifest *ret, struct err *e) MUST_CHECK;
/* The objects of the manifest that lie beside it under data/, ready for seal_fetch. */
int manifest_set(const struct gcp_site *site, struct http_session *s, const struct manifest *m,
                 const char *bucket, const char *manifest_name, struct seal_set *ret,
                 struct err *e) MUST_CHECK;

#endif
