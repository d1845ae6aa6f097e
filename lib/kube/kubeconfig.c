/* kubeconfig files, merged as in client-go: of two entries with the same name the first file's wins. */
#include "kube/kube_config_int.h"

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "data/js.h"
#include "data/yaml.h"
#include "os/file.h"

#include "base/banned.h"

enum {
    FILES_MAX = 16,
    FILE_BYTES_MAX = 4 * 1024 * 1024,
    CERTIFICATES_MAX = 1024 * 1024,
    KEY_MAX = 8 * 1024 - 1, /* locked memory is scarce and allocated in powers of two */
};

struct config_file {
    json_t *tree;
    char *directory;
};

struct files {
    struct config_file file[FILES_MAX];
    size_t count;
};

static void files_fini(struct files *f)
{
    for (size_t i = 0; i < f->count; i++) {
        json_decref(f->file[i].tree);
        free(f->file[i].directory);
    }
}

static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? xstrdup(".") : xstrndup(path, (size_t)(slash - path));
}

static int add_file(struct files *f, const char *path, bool must_exist, struct err *e)
{
    struct err trouble CLEANUP(err_fini) = {0};
    size_t length = 0;
    char *text CLEANUP(cleanup_free) = file_read(path, FILE_BYTES_MAX, &length, &trouble);
    if (text == NULL && trouble.code == ERR_NOT_FOUND && !must_exist)
        return 0;
    if (text == NULL) {
        err_move(e, &trouble);
        return err_wrap(e, "reading the kubeconfig");
    }
    json_t *tree = yaml_parse(view_of(text, length), path, e);
    secret_wipe(text, length);
    if (tree == NULL)
        return -1;
    f->file[f->count++] = (struct config_file){tree, directory_of(path)};
    return 0;
}

static int add_files(struct files *f, const char *paths, bool must_exist, struct err *e)
{
    struct view rest = view_from(paths);
    while (rest.len > 0 && f->count < FILES_MAX) {
        char *path CLEANUP(cleanup_free) = view_dup(view_cut(rest, ':', &rest));
        if (*path != '\0' && add_file(f, path, must_exist, e) < 0)
            return -1;
    }
    if (f->count == 0)
        return FAIL_OBJECT(e, ERR_NOT_FOUND, paths, "no kubeconfig file at %s", paths);
    return 0;
}

/* The member `kind` of the entry called `name` in the list `lists`, and the directory of its file. */
static json_t *find_entry(const struct files *f, const char *lists, const char *name, const char *kind,
                          const char **ret_directory)
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

static const char *current_context(const struct files *f)
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

/* Decodes `name`-data to *ret and *ret_length; leaves them when it is absent. -1 when it is not base64. */
static int decode_data(const json_t *entry, const char *name, char **ret, size_t *ret_length, struct err *e)
{
    char *data_name CLEANUP(cleanup_free) = xasprintf("%s-data", name);
    const char *data = json_string_value(json_object_get(entry, data_name));
    if (data == NULL || *data == '\0')
        return 0;
    char *bytes = xcalloc(1, BASE64_MAX_BYTES(strlen(data)) + 1);
    if (base64_decode(view_from(data), bytes, BASE64_MAX_BYTES(strlen(data)), ret_length) < 0) {
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

static int read_certificates(const json_t *entry, const char *directory, const char *name, char **ret,
                             struct err *e)
{
    size_t length = 0;
    if (decode_data(entry, name, ret, &length, e) < 0)
        return -1;
    char *file CLEANUP(cleanup_free) = file_of(entry, directory, name);
    if (*ret == NULL && file != NULL && (*ret = file_read(file, CERTIFICATES_MAX, NULL, e)) == NULL)
        return -1;
    return 0;
}

static int read_key(const json_t *entry, const char *directory, struct secret *ret, struct err *e)
{
    char *bytes CLEANUP(cleanup_free) = NULL;
    size_t length = 0;
    if (decode_data(entry, "client-key", &bytes, &length, e) < 0)
        return -1;
    if (bytes != NULL && length <= KEY_MAX)
        secret_copy(ret, bytes, length);
    if (bytes != NULL) {
        secret_wipe(bytes, length);
        return length <= KEY_MAX ? 0
                                 : FAIL(e, ERR_TOO_LARGE, "the kubeconfig's client-key-data is too large");
    }
    char *file CLEANUP(cleanup_free) = file_of(entry, directory, "client-key");
    return file == NULL ? 0 : file_read_secret(file, KEY_MAX, ret, e);
}

/* A setting that would send requests elsewhere or as another user must not be ignored. */
static int refuse(const json_t *entry, const char *const *names, size_t count, const char *remedy,
                  struct err *e)
{
    for (size_t i = 0; i < count; i++)
        if (json_object_get(entry, names[i]) != NULL)
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
    if (*js_text(cluster, "certificate-authority-data") == '\0')
        c->ca_file = file_of(cluster, directory, "certificate-authority");
    return read_certificates(cluster, directory, "certificate-authority", &c->ca_pem, e);
}

static int read_user(struct kube_config *c, const json_t *user, const char *directory, struct err *e)
{
    static const char *const foreign[] = {"as",       "as-uid",   "as-groups",    "as-user-extra",
                                          "username", "password", "auth-provider"};
    const char *token = js_text(user, "token"), *token_file = js_text(user, "tokenFile");
    json_t *plugin = json_object_get(user, "exec");
    if (refuse(user, foreign, ARRAY_LEN(foreign), "use a certificate, a token or a credential plugin", e) <
            0 ||
        read_certificates(user, directory, "client-certificate", &c->client_cert_pem, e) < 0 ||
        read_key(user, directory, &c->client_key, e) < 0)
        return -1;
    if (strlen(token) > KEY_MAX)
        return FAIL(e, ERR_TOO_LARGE, "the kubeconfig's token is larger than %d bytes", KEY_MAX);
    if (*token != '\0') {
        c->source = KUBE_TOKEN_FIXED;
        secret_copy(&c->token, token, strlen(token));
    }
    if (*token_file != '\0') {
        c->source = KUBE_TOKEN_FILE;
        c->token_file = resolve(directory, token_file);
    }
    if (plugin != NULL && c->source == KUBE_TOKEN_NONE && c->client_cert_pem == NULL) {
        c->source = KUBE_TOKEN_PLUGIN;
        c->plugin = json_incref(plugin);
        c->plugin_directory = xstrdup(directory);
    }
    return 0;
}

static int read_context(struct kube_config *c, const struct files *f, const char *name, struct err *e)
{
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
    return user == NULL ? 0 : read_user(c, user, directory, e);
}

int kubeconfig_read(struct kube_config *c, const char *paths, bool must_exist, const char *context,
                    struct err *e)
{
    struct files f CLEANUP(files_fini) = {0};
    if (add_files(&f, paths, must_exist, e) < 0)
        return -1;
    const char *name = context != NULL && *context != '\0' ? context : current_context(&f);
    return read_context(c, &f, name, e);
}
