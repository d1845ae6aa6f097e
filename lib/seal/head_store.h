/*
 * HEAD in the bucket: read as it is, and moved on condition that nobody else has moved it.
 */
#ifndef SEAL_HEAD_STORE_H
#define SEAL_HEAD_STORE_H

#include "seal/context.h"
#include "seal/head.h"

/* Reads HEAD of the context's URI; its keys are not used. A missing HEAD is success with generation 0 and no
 * texts. Errors: DATA_TAMPERED, OUTPUT_DENIED, and those of gcp/gcs.h. */
int head_read(const struct seal_context *c, struct head *ret, struct err *e) MUST_CHECK;
/* Replaces HEAD of h->generation by this content and sets the new generation. ERR_SUPERSEDED when somebody
 * else has moved or deleted it. */
int head_move(const struct seal_context *c, struct head *h, struct err *e) MUST_CHECK;

#endif
