#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cloud.h"
#include "command.h"
#include "data/js.h"
#include "kube/config.h"
#include "kube/client.h"
#include "os/file.h"
#include "os/options.h"
#include "seal/manifest.h"

#include "base/banned.h"

enum { CONNECTIONS = 8, DEPTH_MAX = 32 };

/* What the job's object says of its output; borrows from the tree. */
struct output {
    json_t *job;
    const char *uri, *manifest_sha256, *job_uid, *kms_key_name, *wrapped_keyset;
    bool require_hsm;
};

static int read_job(const char *kubeconfig, const char *context, const char *space, const char *name,
                    json_t **ret, struct err *e)
{
    struct kube_config *config CLEANUP(cleanup_kube_config) = kube_config_new(kubeconfig, context, e);
    if (config == NULL)
        return -1;
    char *path CLEANUP(cleanup_free) = xasprintf("/apis/cloister.dev/v1alpha1/namespaces/%s/trainingjobs/%s",
                                                 space != NULL ? space : config->default_namespace, name);
    return kube_get_blocking(config, path, ret, e);
}

static int read_output(struct output *o, const char *name, struct err *e)
{
    const json_t *keys = js_at(o->job, "spec.keys"), *key;
    const char *key_name = js_text(o->job, "spec.output.keyName"), *phase = js_text(o->job, "status.phase");
    size_t i;
    o->uri = js_text(o->job, "status.output.uri");
    o->manifest_sha256 = js_text(o->job, "status.output.manifestSHA256");
    o->job_uid = js_text(o->job, "metadata.uid");
    o->require_hsm = js_bool(o->job, "spec.confidential.requireHSM", true);
    o->kms_key_name = o->wrapped_keyset = "";
    json_array_foreach(keys, i, key) if (strcmp(js_text(key, "name"), key_name) == 0)
    {
        o->kms_key_name = js_text(key, "kmsKeyName");
        o->wrapped_keyset = js_text(key, "wrappedKeyset");
    }
    if (*key_name == '\0')
        return FAIL_OBJECT(e, ERR_INVALID, name, "job %s has no output: its spec says none", name);
    if (*o->uri == '\0')
        return FAIL_OBJECT(e, ERR_NOT_FOUND, name, "job %s has published nothing; it is %s", name,
                           *phase != '\0' ? phase : "new");
    return 0;
}

/* "gs://bucket/…/<id>/" -> bucket, object name of the manifest, id */
static int locate(const char *uri, char **ret_bucket, char **ret_manifest, char **ret_id, struct err *e)
{
    char *folder CLEANUP(cleanup_free) = NULL;
    if (gcs_uri_parse(uri, ret_bucket, &folder, e) < 0)
        return -1;
    size_t length = strlen(folder);
    if (length < 2 || folder[length - 1] != '/')
        return FAIL_OBJECT(e, ERR_INVALID, uri, "the job's status.output.uri \"%s\" is no folder", uri);
    *ret_manifest = xasprintf("%smanifest", folder);
    folder[length - 1] = '\0';
    const char *slash = strrchr(folder, '/');
    *ret_id = xstrdup(slash == NULL ? folder : slash + 1);
    return 0;
}

static int download(struct cloud *c, const struct output *o, const char *directory, size_t *ret_files,
                    struct err *e)
{
    char *bucket CLEANUP(cleanup_free) = NULL, *name CLEANUP(cleanup_free) = NULL,
                 *id CLEANUP(cleanup_free) = NULL;
    struct keyset ks = {.keys = NULL};
    struct manifest m = {.kind = NULL};
    struct seal_set set = {.items = NULL};
    int result = locate(o->uri, &bucket, &name, &id, e);
    if (result == 0)
        result = seal_open_keyset(&c->site, c->session, o->kms_key_name, o->wrapped_keyset, o->require_hsm,
                                  &ks, e);
    if (result == 0)
        result = manifest_read(&c->site, c->session, &ks, bucket, name, id, o->manifest_sha256, &m, e);
    if (result == 0 && (strcmp(m.job_uid, o->job_uid) != 0 || strcmp(m.kind, "output") != 0))
        result = FAIL_OBJECT(e, ERR_DATA_SWAPPED, o->uri, "%s is not the output of this job", o->uri);
    if (result == 0)
        result = manifest_set(&c->site, c->session, &m, bucket, name, &set, e);
    if (result == 0)
        result = seal_fetch(&c->site, &ks, &set, directory, CONNECTIONS, e);
    *ret_files = set.count;
    seal_set_fini(&set);
    manifest_fini(&m);
    keyset_free(&ks);
    return result;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static int check_target(const char *target, struct err *e)
{
    if (rmdir(target) < 0 && errno != ENOENT)
        return FAIL_OBJECT(e, ERR_ALREADY_EXISTS, target, "%s exists and is not an empty directory", target);
    return 0;
}

/* Whole or not at all: what is fetched lies beside the target until every file is verified. */
static int fetch_into(struct cloud *c, const struct output *o, const char *target, size_t *ret_files,
                      struct err *e)
{
    char *temporary CLEANUP(cleanup_free) = xasprintf("%s.%d.part", target, (int)getpid());
    if (mkdir(temporary, 0700) < 0)
        return FAIL_ERRNO(e, "making %s", temporary);
    int result = download(c, o, temporary, ret_files, e);
    if (result == 0 && rename(temporary, target) < 0)
        result = FAIL_ERRNO(e, "renaming %s to %s", temporary, target);
    if (result < 0)
        (void)nftw(temporary, remove_one, DEPTH_MAX, FTW_DEPTH | FTW_PHYS);
    return result;
}

int command_fetch(int argc, char **argv, struct err *e)
{
    const char *space = NULL, *target = NULL, *kubeconfig = NULL, *context = NULL;
    bool help = false;
    const struct option_row rows[] = {
        {"namespace", 'n', OPTION_TEXT, &space, "NAMESPACE", "of the job (default: the context's)"},
        {"output", 'o', OPTION_TEXT, &target, "DIRECTORY",
         "where to; must not exist or be empty (default: the job's name)"},
        {"kubeconfig", '\0', OPTION_TEXT, &kubeconfig, "FILE", "instead of $KUBECONFIG"},
        {"context", '\0', OPTION_TEXT, &context, "NAME", "of the kubeconfig"},
        {"help", 'h', OPTION_FLAG, &help, NULL, "show this help"},
    };
    struct output o = {.job = NULL};
    struct cloud c;
    size_t files = 0;
    int words;
    if (options_parse(rows, ARRAY_LEN(rows), argc, argv, &words, e) < 0)
        return -1;
    if (help) {
        puts("Downloads a job's output, decrypts and verifies it.\n\n"
             "  kubectl cloister fetch JOB [-n NAMESPACE] [-o DIRECTORY]\n");
        options_print_help(stdout, rows, ARRAY_LEN(rows));
        return 0;
    }
    if (words != 1)
        return FAIL(e, ERR_INVALID, "say which job's output to fetch: fetch JOB");
    const char *name = argv[0];
    if (target == NULL)
        target = name;
    if (read_job(kubeconfig, context, space, name, &o.job, e) < 0)
        return err_wrap(e, "reading TrainingJob %s", name);
    int result = read_output(&o, name, e);
    if (result == 0)
        result = check_target(target, e);
    if (result == 0 && (result = cloud_open(&c, e)) == 0) {
        result = fetch_into(&c, &o, target, &files, e);
        cloud_close(&c);
    }
    if (result == 0)
        printf("fetched %zu file%s of %s into %s\n", files, files == 1 ? "" : "s", o.uri, target);
    json_decref(o.job);
    return result;
}
