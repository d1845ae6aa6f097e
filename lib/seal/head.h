/*
 * HEAD: the public pointer to the newest committed checkpoint of a job, moved
 * only by a write on the condition that nobody else moved it (ifGenerationMatch).
 * It holds nothing secret and proves nothing: the manifest that it names must
 * authenticate and have the digest. A head owns its texts.
 */
#ifndef SEAL_HEAD_H
#define SEAL_HEAD_H

#include "seal/manifest.h"

struct head {
    char *manifest; /* relative to the checkpoints' URI: "<attempt>/<id>/manifest" */
    char *id;
    char *manifest_sha256;
    int64_t attempt;
    char *pod_uid;
    char *name;
    int64_t step;
    char *time;
    uint64_t generation; /* of the object; 0: there is none yet */
};

void head_fini(struct head *h);
/* A missing HEAD is success with generation 0 and no texts. prefix: object name of the checkpoints' URI. */
int head_read(const struct gcp_site *site, struct http_session *s, const char *bucket, const char *prefix,
              struct head *ret, struct err *e) MUST_CHECK;
/* Moves HEAD from h->generation to this content; sets the new generation. ERR_SUPERSEDED when somebody else
 * moved it. */
int head_move(const struct gcp_site *site, struct http_session *s, const char *bucket, const char *prefix,
              struct head *h, struct err *e) MUST_CHECK;

#endif
