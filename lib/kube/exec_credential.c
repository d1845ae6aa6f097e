/* Credential plugins of a kubeconfig: client.authentication.k8s.io/v1 and v1beta1. */
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "base/rfc3339.h"
#include "data/js.h"
#include "kube/kube_config_int.h"
#include "os/subprocess.h"
#include "os/loop.h"

#include "base/banned.h"

enum {
    OUTPUT_MAX = 12 * 1024, /* it is kept in locked memory, which is scarce */
    TIMEOUT_MS = 60 * 1000,
    EARLY_MS = 10 * 1000, /* before a token expires */
};

/* The cluster, for a plugin with provideClusterInfo. */
static json_t *cluster_info(const struct kube_config *c)
{
    json_t *cluster = json_pack("{s:s}", "server", c->server);
    if (c->ca_pem != NULL) {
        char *data CLEANUP(cleanup_free) = base64_encode(c->ca_pem, strlen(c->ca_pem));
        json_object_set_new(cluster, "certificate-authority-data", json_string(data));
    }
    if (c->server_name != NULL)
        json_object_set_new(cluster, "tls-server-name", json_string(c->server_name));
    if (c->tls.insecure)
        json_object_set_new(cluster, "insecure-skip-tls-verify", json_true());
    return cluster;
}

/* "KUBERNETES_EXEC_INFO=..."; the caller frees it. */
static char *exec_info(const struct kube_config *c, const char *version)
{
    json_t *info CLEANUP(js_free) = json_pack("{s:s, s:s, s:{s:b}}", "kind", "ExecCredential", "apiVersion",
                                              version, "spec", "interactive", 0);
    if (js_bool(c->plugin, "provideClusterInfo", false))
        json_object_set_new(json_object_get(info, "spec"), "cluster", cluster_info(c));
    char *text CLEANUP(cleanup_free) = js_dump(info);
    return xasprintf("KUBERNETES_EXEC_INFO=%s", text);
}

/* For NULL-terminated arrays of owned strings. */
static void texts_free(char ***texts)
{
    for (char **t = *texts; t != NULL && *t != NULL; t++)
        free(*t);
    free(*texts);
}

static char **make_arguments(const struct kube_config *c)
{
    const json_t *args = json_object_get(c->plugin, "args");
    const char *command = js_text(c->plugin, "command");
    char **argv = xcalloc(json_array_size(args) + 2, sizeof(*argv));
    /* A relative path is relative to the kubeconfig; a bare name is looked up in PATH. */
    bool is_relative = command[0] != '/' && strchr(command, '/') != NULL;
    argv[0] = is_relative ? xasprintf("%s/%s", c->plugin_directory, command) : xstrdup(command);
    for (size_t i = 0; i < json_array_size(args); i++) {
        const char *word = json_string_value(json_array_get(args, i));
        argv[i + 1] = xstrdup(word != NULL ? word : "");
    }
    return argv;
}

static char **make_environment(const struct kube_config *c, const char *version)
{
    const json_t *extra = json_object_get(c->plugin, "env");
    size_t count = 0, ours = json_array_size(extra);
    while (environ[count] != NULL)
        count++;
    char **list = xcalloc(ours + count + 2, sizeof(*list));
    size_t at = 0;
    /* The first of two variables with the same name wins, so the plugin's come first. */
    list[at++] = exec_info(c, version);
    for (size_t i = 0; i < ours; i++) {
        const json_t *pair = json_array_get(extra, i);
        list[at++] = xasprintf("%s=%s", js_text(pair, "name"), js_text(pair, "value"));
    }
    for (size_t i = 0; i < count; i++)
        list[at++] = xstrdup(environ[i]);
    return list;
}

/* When to renew the credential, on the boot clock. */
static int64_t valid_until_ms(const json_t *credential)
{
    int64_t until_us;
    const char *text = js_text(credential, "status.expirationTimestamp");
    if (rfc3339_parse(view_from(text), &until_us) < 0)
        return INT64_MAX;
    return clock_boot_ms() + (until_us - clock_wall_us()) / 1000 - EARLY_MS;
}

static int adopt(struct kube_config *c, const json_t *credential, const char *version, struct err *e)
{
    const char *token = js_text(credential, "status.token");
    const char *certificate = js_text(credential, "status.clientCertificateData");
    const char *key = js_text(credential, "status.clientKeyData");
    if (strcmp(js_text(credential, "apiVersion"), version) != 0)
        return FAIL(e, ERR_PROTOCOL, "the credential plugin returned apiVersion %s, not %s",
                    js_text(credential, "apiVersion"), version);
    if ((*certificate == '\0') != (*key == '\0') || (*token == '\0' && *key == '\0'))
        return FAIL(e, ERR_PROTOCOL,
                    "the credential plugin returned neither a token nor a certificate with its key");
    secret_free(&c->token);
    if (*token != '\0')
        secret_copy(&c->token, token, strlen(token));
    if (*key != '\0') {
        free(c->client_cert_pem);
        secret_free(&c->client_key);
        c->client_cert_pem = xstrdup(certificate);
        secret_copy(&c->client_key, key, strlen(key));
        c->tls.client_cert_pem = c->client_cert_pem;
        c->tls.client_key = &c->client_key;
    }
    c->token_until_ms = valid_until_ms(credential);
    return 0;
}

int exec_credential(struct kube_config *c, struct err *e)
{
    const char *version = js_text(c->plugin, "apiVersion");
    if (strcmp(version, "client.authentication.k8s.io/v1") != 0 &&
        strcmp(version, "client.authentication.k8s.io/v1beta1") != 0)
        return FAIL(
            e, ERR_INVALID,
            "the kubeconfig's exec has apiVersion \"%s\", not client.authentication.k8s.io/v1 or v1beta1",
            version);
    if (strcmp(js_text(c->plugin, "interactiveMode"), "Always") == 0)
        return FAIL(e, ERR_INVALID,
                    "the kubeconfig's credential plugin needs a terminal, which is not supported");
    char **argv CLEANUP(texts_free) = make_arguments(c);
    char **environment CLEANUP(texts_free) = make_environment(c, version);
    struct subprocess child = {argv, environment, OUTPUT_MAX, TIMEOUT_MS};
    struct secret output CLEANUP(secret_free) = {0};
    if (subprocess_run(&child, &output, e) < 0)
        return err_wrap(e, "the kubeconfig's credential plugin");
    json_t *credential CLEANUP(js_free) =
        js_parse(view_of(output.bytes, output.len), "the output of the credential plugin", e);
    return credential == NULL ? -1 : adopt(c, credential, version, e);
}
