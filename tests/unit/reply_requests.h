/*
 * One request of each kind of gcp/replies.h, against a server in memory that answers
 * all of them: Cloud Storage, Cloud KMS and both sources of tokens.
 */
#ifndef TESTS_UNIT_REPLY_REQUESTS_H
#define TESTS_UNIT_REPLY_REQUESTS_H

#include "fake_bucket.h"

struct reply_server {
    struct fake_bucket fake;
    struct gcs_bucket b;
    struct gcp_client kms;
    /* What the requests for tokens are made with; and what all others are, which asks once. */
    struct credentials *metadata, *file, *usual;
    char path[32]; /* of the credentials file */
};

/* The server, whose clients repeat requests as the policy says. */
void reply_server_start(struct reply_server *s, struct gcp_retry_policy policy);
void reply_server_stop(struct reply_server *s);

struct reply_request {
    const char *name;
    enum reply_kind kind;
    const char *match;         /* finds it among the requests (struct fake_fault) */
    const char *also;          /* a second one that is made instead when the first fails; NULL: none */
    struct fake_fault prelude; /* what must happen for it to be made */
    int (*run)(struct reply_server *s, struct err *e); /* makes it, and checks what a success brings */
};

enum { REPLY_REQUESTS = 13, UPLOAD_PART = 4 * 1024 * 1024, UPLOAD_BYTES = UPLOAD_PART + 64 * 1024 };
extern const struct reply_request reply_requests[REPLY_REQUESTS];

#endif
