/*
 * HEAD: the pointer to the newest committed checkpoint of a job, an unencrypted
 * object. It is moved only by a write on condition that nobody else has moved it
 * (ifGenerationMatch).
 *
 * It holds nothing secret and proves nothing: the manifest that it refers to must
 * authenticate and have the digest. A head owns its texts.
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
/* Reads HEAD of the context's URI; its keys are not used. A missing HEAD is success with generation 0 and no
 * texts. Errors: DATA_TAMPERED, OUTPUT_DENIED, and those of gcp/gcs.h. */
int head_read(const struct seal_context *c, struct head *ret, struct err *e) MUST_CHECK;
/* Replaces HEAD of h->generation by this content and sets the new generation. ERR_SUPERSEDED when somebody
 * else has moved or deleted it. */
int head_move(const struct seal_context *c, struct head *h, struct err *e) MUST_CHECK;

#endif
