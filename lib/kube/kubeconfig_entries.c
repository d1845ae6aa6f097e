/* The entries of kubeconfig files, merged as in client-go: of two with the same name the first file's wins.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "data/js.h"
#include "kube/kube_config_int.h"

#include "base/banned.h"

/* The member `kind` of the entry called `name` in the list `lists`, and the directory of its file. */
static json_t *find_entry(const struct kubeconfig_files *f, const char *lists, const char *name,
                          const char *kind, const char **ret_directory)
{
    for (size_t i = 0; i < f->count; i++) {
        size_t at;
        json_t *entry;
        json_array_foreach(js_at(f->file[i].tree, lists), at, entry)
        {
            if (strcmp(js_text(entry, "name"), name) != 0)
                continue;
            *ret_directory = f->file[i].directory;
            return json_object_get(entry, kind);
        }
    }
    return NULL;
}

static const char *current_context(const struct kubeconfig_files *f)
{
    for (size_t i = 0; i < f->count; i++) {
        const char *name = js_text(f->file[i].tree, "current-context");
        if (*name != '\0')
            return name;
    }
    return "";
}

static char *resolve(const char *directory, const char *path)
{
    return path[0] == '/' ? xstrdup(path) : xasprintf("%s/%s", directory, path);
}

/* base64 may be wrapped into lines, as YAML's own !!binary is. The caller frees it. */
static char *without_line_ends(const char *text)
{
    char *copy = xstrdup(text), *to = copy;
    for (const char *at = text; *at != '\0'; at++)
        if (*at != '\n' && *at != '\r')
            *to++ = *at;
    *to = '\0';
    return copy;
}

/* Decodes `name`-data to *ret and *ret_length; leaves them when it is absent. -1 when it is not base64. */
static int decode_data(const json_t *entry, const char *name, char **ret, size_t *ret_length, struct err *e)
{
    char *data_name CLEANUP(cleanup_free) = xasprintf("%s-data", name);
    const char *data = json_string_value(json_object_get(entry, data_name));
    if (data == NULL || *data == '\0')
        return 0;
    char *text = without_line_ends(data);
    size_t capacity = BASE64_MAX_BYTES(strlen(text));
    char *bytes = xcalloc(1, capacity + 1);
    int result = base64_decode(view_from(text), bytes, capacity, ret_length);
    secret_wipe(text, strlen(data));
    free(text);
    if (result < 0) {
        free(bytes);
        return FAIL(e, ERR_INVALID, "%s in the kubeconfig is not base64", data_name);
    }
    *ret = bytes;
    return 0;
}

/* The path in member `name`, or NULL. The caller frees it. */
static char *file_of(const json_t *entry, const char *directory, const char *name)
{
    const char *path = json_string_value(json_object_get(entry, name));
    return path == NULL || *path == '\0' ? NULL : resolve(directory, path);
}

/* PEM: *ret from `name`-data, else *ret_file from `name`. */
static int read_certificates(const json_t *entry, const char *directory, const char *name, char **ret,
                             char **ret_file, struct err *e)
{
    size_t length = 0;
    if (decode_data(entry, name, ret, &length, e) < 0)
        return -1;
    if (*ret == NULL)
        *ret_file = file_of(entry, directory, name);
    return 0;
}

static int read_key(const json_t *entry, const char *directory, struct secret *ret, char **ret_file,
                    struct err *e)
{
    char *bytes CLEANUP(cleanup_free) = NULL;
    size_t length = 0;
    if (decode_data(entry, "client-key", &bytes, &length, e) < 0)
        return -1;
    if (bytes == NULL) {
        *ret_file = file_of(entry, directory, "client-key");
        return 0;
    }
    if (length <= KUBECONFIG_KEY_MAX)
        secret_copy(ret, bytes, length);
    secret_wipe(bytes, length);
    return length <= KUBECONFIG_KEY_MAX
               ? 0
               : FAIL(e, ERR_TOO_LARGE, "the kubeconfig's client-key-data is too large");
}

/* Whether client-go, too, takes it for absent. */
static bool says_nothing(const json_t *value)
{
    return value == NULL || json_is_null(value) ||
           (json_is_string(value) && json_string_length(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0) ||
           (json_is_object(value) && json_object_size(value) == 0);
}

/* A setting that would send requests elsewhere or as another user must not be ignored. */
static int refuse(const json_t *entry, const char *const *names, size_t count, const char *remedy,
                  struct err *e)
{
    for (size_t i = 0; i < count; i++)
        if (!says_nothing(json_object_get(entry, names[i])))
            return FAIL(e, ERR_INVALID, "the kubeconfig has %s, which is not supported: %s", names[i],
                        remedy);
    return 0;
}

static int read_cluster(struct kube_config *c, const json_t *cluster, const char *directory, struct err *e)
{
    static const char *const foreign[] = {"proxy-url"};
    const char *server = js_text(cluster, "server"), *name = js_text(cluster, "tls-server-name");
    size_t length = strlen(server);
    if (length == 0)
        return FAIL(e, ERR_INVALID, "the kubeconfig's cluster has no server");
    if (refuse(cluster, foreign, ARRAY_LEN(foreign), "set HTTPS_PROXY in the environment instead", e) < 0)
        return -1;
    while (length > 0 && server[length - 1] == '/')
        length--;
    c->server = xstrndup(server, length);
    c->server_name = *name != '\0' ? xstrdup(name) : NULL;
    c->tls.insecure = js_bool(cluster, "insecure-skip-tls-verify", false);
    return read_certificates(cluster, directory, "certificate-authority", &c->ca_pem, &c->ca_file, e);
}

static int read_user(struct kube_config *c, const json_t *user, const char *directory,
                     struct kubeconfig_references *refs, struct err *e)
{
    static const char *const foreign[] = {"as",       "as-uid",   "as-groups",    "as-user-extra",
                                          "username", "password", "auth-provider"};
    const char *token = js_text(user, "token"), *token_file = js_text(user, "tokenFile");
    json_t *plugin = json_object_get(user, "exec");
    if (refuse(user, foreign, ARRAY_LEN(foreign), "use a certificate, a token or a credential plugin", e) <
            0 ||
        read_certificates(user, directory, "client-certificate", &c->client_cert_pem, &refs->certificate, e) <
            0 ||
        read_key(user, directory, &c->client_key, &refs->key, e) < 0)
        return -1;
    if (strlen(token) > KUBECONFIG_KEY_MAX)
        return FAIL(e, ERR_TOO_LARGE, "the kubeconfig's token is larger than %d bytes", KUBECONFIG_KEY_MAX);
    if (*token != '\0') {
        c->source = KUBE_TOKEN_FIXED;
        secret_copy(&c->token, token, strlen(token));
    }
    if (*token_file != '\0') {
        c->source = KUBE_TOKEN_FILE;
        c->token_file = resolve(directory, token_file);
    }
    bool has_certificate = c->client_cert_pem != NULL || refs->certificate != NULL;
    if (!says_nothing(plugin) && c->source == KUBE_TOKEN_NONE && !has_certificate) {
        c->source = KUBE_TOKEN_PLUGIN;
        c->plugin = json_incref(plugin);
        c->plugin_directory = xstrdup(directory);
    }
    return 0;
}

int kubeconfig_decode(struct kube_config *c, const struct kubeconfig_files *f, const char *wanted,
                      struct kubeconfig_references *ret, struct err *e)
{
    const char *name = wanted != NULL && *wanted != '\0' ? wanted : current_context(f);
    const char *directory = NULL;
    const json_t *context = find_entry(f, "contexts", name, "context", &directory);
    if (context == NULL)
        return FAIL_OBJECT(e, ERR_NOT_FOUND, name, "the kubeconfig has no context \"%s\"", name);
    c->default_namespace = xstrdup(js_text(context, "namespace"));
    const char *cluster_name = js_text(context, "cluster"), *user_name = js_text(context, "user");
    const json_t *cluster = find_entry(f, "clusters", cluster_name, "cluster", &directory);
    if (cluster == NULL)
        return FAIL_OBJECT(e, ERR_NOT_FOUND, cluster_name, "the kubeconfig has no cluster \"%s\"",
                           cluster_name);
    if (read_cluster(c, cluster, directory, e) < 0)
        return -1;
    const json_t *user = find_entry(f, "users", user_name, "user", &directory);
    if (user == NULL && *user_name != '\0')
        return FAIL_OBJECT(e, ERR_NOT_FOUND, user_name, "the kubeconfig has no user \"%s\"", user_name);
    return user == NULL ? 0 : read_user(c, user, directory, ret, e);
}
