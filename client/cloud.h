/*
 * Google's services as a person's tools reach them: credentials, endpoints and
 * roots from gcloud's environment variables. Owned by the command; one thread.
 */
#ifndef CLIENT_CLOUD_H
#define CLIENT_CLOUD_H

#include "gcp/call.h"

struct cloud {
    struct gcp_site site;
    struct http_tls tls;
    char *ca_pem, *kms_url, *storage_url;
    struct http_session *session;
};

/* Also asks for the first token, so that a command without credentials ends before it does anything. On
 * failure nothing is left to close. */
int cloud_open(struct cloud *ret, struct err *e) MUST_CHECK;
void cloud_close(struct cloud *c);

#endif
