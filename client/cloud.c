#include "cloud.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/view.h"
#include "os/file.h"
#include "remedy.h"

#include "base/banned.h"

enum { ROOTS_MAX = 4 * 1024 * 1024 };

static const char *setting(const char *name, const char *fallback)
{
    const char *value = getenv(name);
    return value == NULL || *value == '\0' ? fallback : value;
}

/* gcloud's overrides end with a slash, and that of storage may have the API's path. */
static char *endpoint(const char *name, const char *fallback)
{
    static const char API_PATH[] = "/storage/v1";
    struct view url = view_from(setting(name, fallback));
    while (view_has_suffix(url, "/"))
        url.len--;
    if (view_has_suffix(url, API_PATH))
        url.len -= sizeof(API_PATH) - 1;
    return view_dup(url);
}

static int find_credentials(struct cloud *c, struct err *e)
{
    struct credentials_options options = {.credentials_file = setting("GOOGLE_APPLICATION_CREDENTIALS", NULL),
                                          .config_directory = setting("CLOUDSDK_CONFIG", NULL),
                                          .home = setting("HOME", NULL),
                                          .token_uri = setting("CLOUDSDK_AUTH_TOKEN_HOST", NULL),
                                          .metadata_host = setting("GCE_METADATA_HOST", NULL),
                                          .tls = &c->tls,
                                          .retry = GCP_RETRY_POLICY};
    c->config.credentials = credentials_find(&options, e);
    const struct secret *token =
        c->config.credentials == NULL ? NULL : credentials_hold_token(c->config.credentials, e);
    if (token == NULL)
        return err_wrap(e, "Google credentials");
    credentials_release_token(c->config.credentials, token);
    return 0;
}

int cloud_open(struct cloud *ret, struct err *e)
{
    const char *roots = setting("CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE", NULL);
    *ret = (struct cloud){.ca_pem = NULL};
    if (roots != NULL && (ret->ca_pem = file_read(roots, ROOTS_MAX, NULL, e)) == NULL)
        return err_wrap(e, "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE");
    ret->tls.ca_pem = ret->ca_pem;
    if (find_credentials(ret, e) < 0) {
        cloud_close(ret);
        return -1;
    }
    ret->kms_url = endpoint("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS", "https://cloudkms.googleapis.com");
    ret->storage_url = endpoint("CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE", "https://storage.googleapis.com");
    ret->config.kms_url = ret->kms_url;
    ret->config.storage_url = ret->storage_url;
    ret->config.tls = &ret->tls;
    ret->config.retry = GCP_RETRY_POLICY;
    ret->config.remedy = remedy_of;
    gcp_client_open(&ret->client, &ret->config);
    return 0;
}

void cloud_close(struct cloud *c)
{
    gcp_client_close(&c->client);
    credentials_free(c->config.credentials);
    free(c->kms_url);
    free(c->storage_url);
    free(c->ca_pem);
    *c = (struct cloud){.ca_pem = NULL};
}
