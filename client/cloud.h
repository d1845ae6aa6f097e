/*
 * Cloud KMS and Cloud Storage with the user's own credentials. Credentials, endpoints
 * and trusted roots are found where gcloud finds them, with the same environment
 * variables. Owned by the command; for one thread. Must not move while it is open.
 */
#ifndef CLIENT_CLOUD_H
#define CLIENT_CLOUD_H

#include "gcp/call.h"

struct cloud {
    struct gcp_config config;
    struct http_tls tls;
    char *ca_pem, *kms_url, *storage_url;
    struct gcp_client client; /* for Cloud KMS; buckets have their own */
};

/* Also fetches the first token, so that a command without valid credentials fails before it does anything.
 * On failure there is nothing to close. */
int cloud_open(struct cloud *ret, struct err *e) MUST_CHECK;
void cloud_close(struct cloud *c);

#endif
