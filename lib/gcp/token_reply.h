/*
 * What the metadata server and Google's token endpoint answer to a request for an
 * access token; shared by identity.c (blocking) and loop_token.c (on the loop).
 * Internal to lib/gcp.
 */
#ifndef GCP_TOKEN_REPLY_H
#define GCP_TOKEN_REPLY_H

#include "net/http.h"

/* Behind the metadata server's endpoint: a token of the instance's account for all of Google Cloud. */
#define GOOGLE_SCOPE        "https://www.googleapis.com/auth/cloud-platform"
#define METADATA_TOKEN_PATH "/computeMetadata/v1/instance/service-accounts/default/token?scopes=" GOOGLE_SCOPE

/* It is next door. */
enum { METADATA_CONNECT_MS = 3000, METADATA_TOTAL_MS = 5000 };

/* The question; url is borrowed. */
struct http_request metadata_token_request(const char *url);
/*
 * The token, in *ret (which must be empty), and until when it is to be used: four fifths of its life, on
 * CLOCK_BOOTTIME. ERR_IDENTITY_REFUSED when the server says no, ERR_METADATA_UNAVAILABLE when it cannot say,
 * ERR_PROTOCOL when it says something else.
 */
int token_reply_read(const char *url, const struct http_response *r, struct secret *ret,
                     int64_t *ret_good_until_ms, struct err *e) MUST_CHECK;

#endif
