/*
 * Who we are to Google: access tokens, as Google's own tools find them.
 *
 * One identity serves any number of threads. A token is refreshed when less than
 * a fifth of its life is left; identity_forget wipes it. Sources: the metadata
 * server (inside a cluster), a service account key file, an authorized_user file
 * (gcloud auth application-default login).
 *
 * Fails with ERR_METADATA_UNAVAILABLE, ERR_IDENTITY_REFUSED (the server knows
 * us, and says no), ERR_INVALID (a credentials file that cannot be read).
 */
#ifndef GCP_IDENTITY_H
#define GCP_IDENTITY_H

#include "base/attr.h"
#include "base/err.h"
#include "base/secret.h"
#include "net/http.h"

struct identity;

/* The instance's service account. endpoint: "http://169.254.169.254" (never a name). patience_ms: the server
 * may come up after the pod. */
struct identity *identity_from_metadata(const char *endpoint, int patience_ms) MUST_CHECK RETURNS_NONNULL;

/* How a person's tool is told what to use; each may be NULL. Environment variables of gcloud and of the
 * client libraries. */
struct identity_options {
    const char *credentials_file; /* GOOGLE_APPLICATION_CREDENTIALS */
    const char *config_directory; /* CLOUDSDK_CONFIG; else HOME/.config/gcloud */
    const char *home;
    const char *token_uri;     /* CLOUDSDK_AUTH_TOKEN_HOST: instead of the file's */
    const char *metadata_host; /* GCE_METADATA_HOST */
    const struct http_tls *tls;
};

/* Application Default Credentials (google.aip.dev/auth/4110): file named, then gcloud's file, then metadata
 * server. NULL with *e set. */
struct identity *identity_find(const struct identity_options *options, struct err *e) MUST_CHECK;
void identity_free(struct identity *id); /* NULL is fine */

/*
 * A token that is good for a while, held until it is released. All holders share one copy: locked memory is
 * scarce. Thread-safe. NULL with *e set.
 */
const struct secret *identity_hold_token(struct identity *id, struct err *e) MUST_CHECK;
void identity_release_token(struct identity *id, const struct secret *token); /* NULL is fine */
/* Forgets the cached token, after a 401 or when it is not needed any more; it is wiped when its last holder
 * lets go. */
void identity_forget(struct identity *id);
/* The project that calls are charged to (x-goog-user-project), as an authorized_user file names it, else "".
 * Borrowed. */
const char *identity_quota_project(const struct identity *id);

#endif
