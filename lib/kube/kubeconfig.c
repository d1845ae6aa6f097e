/* kubeconfig files, and the files that they name. */
#include <string.h>

#include "base/alloc.h"
#include "data/js.h"
#include "data/yaml.h"
#include "kube/kube_config_int.h"
#include "os/file.h"

#include "base/banned.h"

enum { FILE_BYTES_MAX = 4 * 1024 * 1024, CERTIFICATES_MAX = 1024 * 1024 };

static void files_fini(struct kubeconfig_files *f)
{
    for (size_t i = 0; i < f->count; i++) {
        json_decref(f->file[i].tree);
        free(f->file[i].directory);
    }
}

static void references_fini(struct kubeconfig_references *r)
{
    free(r->certificate);
    free(r->key);
}

static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? xstrdup(".") : xstrndup(path, (size_t)(slash - path));
}

static int add_file(struct kubeconfig_files *f, const char *path, bool must_exist, struct err *e)
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
    f->file[f->count++] = (struct kubeconfig_file){tree, directory_of(path)};
    return 0;
}

static int add_files(struct kubeconfig_files *f, const char *paths, bool must_exist, struct err *e)
{
    struct view rest = view_from(paths);
    while (rest.len > 0 && f->count < KUBECONFIG_FILES_MAX) {
        char *path CLEANUP(cleanup_free) = view_dup(view_cut(rest, ':', &rest));
        if (*path != '\0' && add_file(f, path, must_exist, e) < 0)
            return -1;
    }
    if (f->count == 0)
        return FAIL_OBJECT(e, ERR_NOT_FOUND, paths, "no kubeconfig file at %s", paths);
    return 0;
}

static int read_references(struct kube_config *c, const struct kubeconfig_references *r, struct err *e)
{
    if (c->ca_file != NULL && (c->ca_pem = file_read(c->ca_file, CERTIFICATES_MAX, NULL, e)) == NULL)
        return -1;
    if (r->certificate != NULL &&
        (c->client_cert_pem = file_read(r->certificate, CERTIFICATES_MAX, NULL, e)) == NULL)
        return -1;
    return r->key == NULL ? 0 : file_read_secret(r->key, KUBECONFIG_KEY_MAX, &c->client_key, e);
}

int kubeconfig_read(struct kube_config *c, const char *paths, bool must_exist, const char *context,
                    struct err *e)
{
    struct kubeconfig_files f CLEANUP(files_fini) = {.count = 0};
    struct kubeconfig_references r CLEANUP(references_fini) = {.key = NULL};
    if (add_files(&f, paths, must_exist, e) < 0 || kubeconfig_decode(c, &f, context, &r, e) < 0)
        return -1;
    return read_references(c, &r, e);
}
