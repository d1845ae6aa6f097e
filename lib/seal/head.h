/*
 * HEAD: the pointer to the newest committed checkpoint of a job, an unencrypted
 * object. It is moved only by a write on condition that nobody else has moved it
 * (ifGenerationMatch).
 *
 * It holds nothing secret and proves nothing: the manifest that it refers to must
 * authenticate and have the digest. A head owns its texts. Pure: seal/head_store.h has it
 * in a bucket.
 */
#ifndef SEAL_HEAD_H
#define SEAL_HEAD_H

#include "seal/manifest.h"

struct head {
    struct manifest_ref manifest;
    int64_t attempt;
    char *pod_uid;
    char *name; /* of the checkpoint */
    int64_t step;
    char *time;
    uint64_t generation; /* of the object; 0: there is none yet */
};

void head_fini(struct head *h);
/* DATA_TAMPERED for anything that is not a HEAD. Its generation is 0. */
int head_decode(struct view text, struct head *ret, struct err *e) MUST_CHECK;
/* The text of the object; the caller frees it. */
char *head_encode(const struct head *h) MUST_CHECK RETURNS_NONNULL;

#endif
