/*
 * Credentials for Google APIs: where access tokens come from, found as Google's
 * own tools find them. Sources are the metadata server (inside a cluster), a
 * service account key file, and an authorized_user file (gcloud auth
 * application-default login).
 *
 * Thread-safe: one object serves any number of threads. It caches one token and
 * refreshes it when less than a fifth of its life is left.
 *
 * Fails with ERR_METADATA_UNAVAILABLE, ERR_IDENTITY_REFUSED (the server gives
 * this account no token), ERR_PROTOCOL (its reply is malformed) and ERR_INVALID (a
 * credentials file that is malformed).
 */
#ifndef GCP_CREDENTIALS_H
#define GCP_CREDENTIALS_H

#include "base/attr.h"
#include "base/err.h"
#include "base/secret.h"
#include "gcp/retry.h"
#include "net/http.h"

struct credentials;

/* Those of the instance's service account. endpoint: "http://169.254.169.254" (never a name). retry: how long
 * getting a token is retried, because the server may come up after the pod; copied. */
struct credentials *credentials_from_metadata(const char *endpoint, const struct gcp_retry_policy *retry)
    MUST_CHECK RETURNS_NONNULL;

/* The environment variables of gcloud and of the client libraries; each may be NULL or empty. Borrowed. */
struct credentials_options {
    const char *credentials_file; /* GOOGLE_APPLICATION_CREDENTIALS */
    const char *config_directory; /* CLOUDSDK_CONFIG; otherwise HOME/.config/gcloud */
    const char *home;
    const char *token_uri;     /* CLOUDSDK_AUTH_TOKEN_HOST: instead of the file's */
    const char *metadata_host; /* GCE_METADATA_HOST */
    const struct http_tls *tls;
    struct gcp_retry_policy retry; /* of getting a token with a file; the metadata server is asked once */
};

/* Application Default Credentials (google.aip.dev/auth/4110): the named file, then gcloud's file, then the
 * metadata server. NULL with *e set. options->tls is borrowed until they are freed. */
struct credentials *credentials_find(const struct credentials_options *options, struct err *e) MUST_CHECK;
void credentials_free(struct credentials *c); /* NULL is fine */

/*
 * A valid access token, borrowed until it is released. All holders share one copy, because locked memory is
 * scarce. NULL with *e set.
 */
const struct secret *credentials_hold_token(struct credentials *c, struct err *e) MUST_CHECK;
void credentials_release_token(struct credentials *c, const struct secret *token); /* NULL is fine */
/* Drops the cached token, after a 401 or when it is no longer needed. It is wiped when its last holder
 * releases it. */
void credentials_forget_token(struct credentials *c);
/* The project that calls are charged to (x-goog-user-project), as an authorized_user file names it, or "".
 * Borrowed. */
const char *credentials_quota_project(const struct credentials *c);

#endif
