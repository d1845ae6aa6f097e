/*
 * Manifests: what a checkpoint or an output consists of, as encrypted JSON Lines.
 *
 *   {"cloister":"manifest/v1","id":...,"kind":...,"job":...,...}
 *   {"path":...,"size":...,"cipherSize":...,"header":...,"keyId":...}     sorted by path
 * (seal/manifest_entry.h)
 *   {"count":N,"sha256":"digest of all lines before this one"}
 *
 * Each line pins one object: its path, sizes, whole stream header and key. The
 * manifest is itself a sealed object with associated data "cloister/v1/<id>"; its
 * objects have "cloister/v1/<id>/<path>" and are stored beside it below data/, or
 * beside an earlier one that the entry names.
 * It is accepted only when it authenticates, has the expected digest and id, its
 * lines are in order, and count and digest of the lines match.
 * Manifests and references own their texts. Pure: seal/manifest_store.h has them in a bucket.
 */
#ifndef SEAL_MANIFEST_H
#define SEAL_MANIFEST_H

#include "base/err.h"
#include "base/strbuf.h"
#include "crypt/digest.h"
#include "data/lineage.h"
#include "seal/manifest_entry.h"

enum { MANIFEST_MAX = 64 * 1024 * 1024 }; /* bytes of text */

/* Refers to a manifest: where it is and what it must be. */
struct manifest_ref {
    char *name; /* below the context's URI: "<attempt>/<id>/manifest"; NULL: there is none */
    char *id;
    char *sha256; /* of its whole text */
};

void manifest_ref_fini(struct manifest_ref *r);
struct manifest_ref manifest_ref_copy(const struct manifest_ref *r);

struct manifest {
    char id[MANIFEST_ID_SIZE];
    char *kind; /* "checkpoint" or "output" */
    char *job_namespace, *job, *job_uid;
    char *pod_uid; /* of the pod that wrote it, or "" */
    int64_t attempt, index;
    int64_t sequence;           /* of a checkpoint: from 1 within its attempt */
    struct lineage base;        /* of a checkpoint: the snapshot that it builds on; attempt 0: none */
    char *name;                 /* checkpoint's name, or "" */
    int64_t step;               /* number in the name, or -1 */
    char *time;                 /* RFC 3339 */
    struct manifest_ref parent; /* the manifest before this one */
    struct manifest_entry *entries;
    size_t count;
};

void manifest_fini(struct manifest *m);
/* A new random id. */
void manifest_make_id(char ret[MANIFEST_ID_SIZE]);
/* Of a checkpoint; attempt 0 for an empty manifest. */
struct lineage manifest_lineage(const struct manifest *m);
/* Takes ownership of path. */
void manifest_add(struct manifest *m, char *path, const struct sealed *sealed);
/* Takes the entry's content and leaves it empty. */
void manifest_add_entry(struct manifest *m, struct manifest_entry *entry);
/* Adds copies of the other one's entries. */
void manifest_add_copies(struct manifest *m, const struct manifest *from);

/* Sorts the entries and writes the lines; sha256 is that of the whole text. *ret is initialised here and
 * overflows at 64 MiB. */
void manifest_encode(struct manifest *m, struct strbuf *ret, char ret_sha256[SHA256_HEX_SIZE]);
/* DATA_TAMPERED for anything that is not a manifest. */
int manifest_decode(struct view text, struct manifest *ret, struct err *e) MUST_CHECK;

/* "cloister/v1/ID" or "cloister/v1/ID/PATH" (path may be NULL); the caller frees it. */
char *manifest_associated_data(const char *id, const char *path) MUST_CHECK;

#endif
