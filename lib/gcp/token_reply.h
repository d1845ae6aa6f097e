/*
 * Replies of the metadata server and of Google's token endpoint to a request for
 * an access token; shared by credentials.c (blocking) and loop_token.c (on the
 * loop). Internal to lib/gcp.
 */
#ifndef GCP_TOKEN_REPLY_H
#define GCP_TOKEN_REPLY_H

#include "base/secret.h"
#include "gcp/replies.h"

/* Path at the metadata server: a token of the instance's account for all of Google Cloud. */
#define GOOGLE_SCOPE        "https://www.googleapis.com/auth/cloud-platform"
#define METADATA_TOKEN_PATH "/computeMetadata/v1/instance/service-accounts/default/token?scopes=" GOOGLE_SCOPE

/* The metadata server is on the same machine. */
enum { METADATA_CONNECT_MS = 3000, METADATA_TOTAL_MS = 5000 };

/* The request; url is borrowed. */
struct http_request metadata_token_request(const char *url);
/*
 * The token, in *ret (which must be empty), and the end of four fifths of its life, on CLOCK_BOOTTIME. kind:
 * REPLY_METADATA or REPLY_TOKEN. What is not REPLY_ACCEPT has *e set: ERR_IDENTITY_REFUSED for a refusal,
 * ERR_METADATA_UNAVAILABLE for a temporary one, ERR_PROTOCOL for a reply without a valid token.
 */
enum reply_action token_reply_read(enum reply_kind kind, const char *url, const struct http_response *r,
                                   struct secret *ret, int64_t *ret_good_until_ms, struct err *e) MUST_CHECK;

#endif
