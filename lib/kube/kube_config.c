#include "kube/kube_config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "data/js.h"
#include "kube/kube_config_int.h"
#include "os/file.h"
#include "os/loop.h"

#include "base/banned.h"

#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

enum {
    CA_MAX = 1024 * 1024,
    TOKEN_MAX = 8 * 1024 - 1, /* locked memory is scarce and allocated in powers of two */
    NAMESPACE_MAX = 256,
    FILE_MS = 60 * 1000,  /* between two readings */
    RENEW_MS = 10 * 1000, /* at least, between two renewals after a 401 */
};

static int read_token_file(struct kube_config *c, struct err *e)
{
    struct secret content CLEANUP(secret_free) = {0};
    if (file_read_secret(c->token_file, TOKEN_MAX, &content, e) < 0)
        return -1;
    /* A line break at the end is not part of the token. */
    size_t length = view_trim(view_of(content.bytes, content.len)).len;
    if (length == 0)
        return FAIL_OBJECT(e, ERR_IO, c->token_file, "the token file %s is empty", c->token_file);
    secret_free(&c->token);
    secret_copy(&c->token, content.bytes, length);
    return 0;
}

static int in_cluster(struct kube_config *c, struct err *e)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
    if (host == NULL || *host == '\0')
        return FAIL(e, ERR_NOT_FOUND,
                    "no kubeconfig file found, and not running in a pod: use --kubeconfig or set KUBECONFIG");
    bool is_v6 = strchr(host, ':') != NULL;
    c->server = xasprintf("https://%s%s%s:%s", is_v6 ? "[" : "", host, is_v6 ? "]" : "",
                          port != NULL && *port != '\0' ? port : "443");
    c->ca_file = xstrdup(SERVICE_ACCOUNT "/ca.crt");
    c->ca_pem = file_read(c->ca_file, CA_MAX, NULL, e);
    if (c->ca_pem == NULL)
        return -1;
    c->default_namespace = file_read(SERVICE_ACCOUNT "/namespace", NAMESPACE_MAX, NULL, NULL);
    c->token_file = xstrdup(SERVICE_ACCOUNT "/token");
    c->source = KUBE_TOKEN_FILE;
    return 0;
}

/* $KUBECONFIG, or ~/.kube/config if it exists, or NULL. The caller frees it. */
static char *default_paths(void)
{
    const char *list = getenv("KUBECONFIG"), *home = getenv("HOME");
    if (list != NULL && *list != '\0')
        return xstrdup(list);
    if (home == NULL)
        return NULL;
    char *path = xasprintf("%s/.kube/config", home);
    if (access(path, R_OK) == 0)
        return path;
    free(path);
    return NULL;
}

static int load(struct kube_config *c, const char *kubeconfig, const char *context, struct err *e)
{
    if (kubeconfig != NULL && *kubeconfig != '\0')
        return kubeconfig_read(c, kubeconfig, true, context, e);
    char *paths CLEANUP(cleanup_free) = default_paths();
    if (paths != NULL)
        return kubeconfig_read(c, paths, false, context, e);
    return in_cluster(c, e);
}

struct kube_config *kube_config_new(const char *kubeconfig, const char *context, struct err *e)
{
    struct kube_config *c CLEANUP(cleanup_kube_config) = xcalloc(1, sizeof(*c));
    if (load(c, kubeconfig, context, e) < 0)
        return NULL;
    if (c->default_namespace == NULL || *c->default_namespace == '\0') {
        free(c->default_namespace);
        c->default_namespace = xstrdup("default");
    }
    c->tls.ca_pem = c->ca_pem;
    c->tls.client_cert_pem = c->client_cert_pem;
    c->tls.client_key = c->client_key.len > 0 ? &c->client_key : NULL;
    c->tls.server_name = c->server_name;
    return TAKE_PTR(c);
}

void kube_config_free(struct kube_config *c)
{
    if (c == NULL)
        return;
    free(c->server);
    free(c->default_namespace);
    free(c->ca_pem);
    free(c->ca_file);
    free(c->client_cert_pem);
    free(c->server_name);
    free(c->token_file);
    free(c->plugin_directory);
    json_decref(c->plugin);
    secret_free(&c->client_key);
    secret_free(&c->token);
    free(c);
}

void cleanup_kube_config(struct kube_config **c)
{
    kube_config_free(*c);
}

static int renew(struct kube_config *c, struct err *e)
{
    c->token_asked_ms = clock_boot_ms();
    if (c->source == KUBE_TOKEN_PLUGIN)
        return exec_credential(c, e);
    c->token_until_ms = c->token_asked_ms + FILE_MS;
    return read_token_file(c, e);
}

/* A new CA is added to the file before it signs anything, so the current roots remain valid until the file
 * can be read again. */
static void reread_roots(struct kube_config *c)
{
    struct err ignored CLEANUP(err_fini) = {0};
    if (c->ca_file == NULL || clock_boot_ms() < c->ca_until_ms)
        return;
    c->ca_until_ms = clock_boot_ms() + FILE_MS;
    char *pem = file_read(c->ca_file, CA_MAX, NULL, &ignored);
    if (pem == NULL || strstr(pem, "BEGIN CERTIFICATE") == NULL) {
        free(pem);
        return;
    }
    free(c->ca_pem);
    c->tls.ca_pem = c->ca_pem = pem;
}

int kube_config_bearer(struct kube_config *c, const struct secret **ret, struct err *e)
{
    reread_roots(c);
    bool is_renewable = c->source == KUBE_TOKEN_FILE || c->source == KUBE_TOKEN_PLUGIN;
    if (is_renewable && clock_boot_ms() >= c->token_until_ms) {
        struct err trouble CLEANUP(err_fini) = {0};
        bool has_credential = c->token.len > 0 || c->tls.client_key != NULL;
        /* The last token may still be valid; if not, the server answers 401. */
        if (renew(c, &trouble) < 0 && !has_credential) {
            err_move(e, &trouble);
            return -1;
        }
    }
    *ret = c->token.len > 0 ? &c->token : NULL;
    return 0;
}

void kube_config_forget_token(struct kube_config *c)
{
    if (clock_boot_ms() - c->token_asked_ms >= RENEW_MS)
        c->token_until_ms = 0;
}
