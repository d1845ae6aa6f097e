#include "cloud.h"

#include <stdlib.h>

#include "os/file.h"

#include "base/banned.h"

enum { ROOTS_MAX = 4 * 1024 * 1024 };

static const char *setting(const char *name, const char *fallback)
{
    const char *value = getenv(name);
    return value == NULL || *value == '\0' ? fallback : value;
}

int cloud_open(struct cloud *ret, struct err *e)
{
    const char *roots = setting("CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE", NULL);
    *ret = (struct cloud){.ca_pem = NULL};
    if (roots != NULL && (ret->ca_pem = file_read(roots, ROOTS_MAX, NULL, e)) == NULL)
        return err_wrap(e, "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE");
    ret->tls.ca_pem = ret->ca_pem;
    struct identity_options options = {.credentials_file = setting("GOOGLE_APPLICATION_CREDENTIALS", NULL),
                                       .config_directory = setting("CLOUDSDK_CONFIG", NULL),
                                       .home = setting("HOME", NULL),
                                       .token_uri = setting("CLOUDSDK_AUTH_TOKEN_HOST", NULL),
                                       .metadata_host = setting("GCE_METADATA_HOST", NULL),
                                       .tls = &ret->tls};
    ret->site.identity = identity_find(&options, e);
    if (ret->site.identity == NULL) {
        cloud_close(ret);
        return err_wrap(e, "Google credentials (see: gcloud auth application-default login)");
    }
    ret->site.kms_url =
        setting("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS", "https://cloudkms.googleapis.com");
    ret->site.storage_url =
        setting("CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE", "https://storage.googleapis.com");
    ret->site.tls = &ret->tls;
    ret->session = http_session_new(&ret->tls);
    return 0;
}

void cloud_close(struct cloud *c)
{
    http_session_free(c->session);
    identity_free(c->site.identity);
    free(c->ca_pem);
    *c = (struct cloud){.ca_pem = NULL};
}
