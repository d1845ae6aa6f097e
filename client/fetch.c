#include "command.h"

#include <string.h>

#include "base/alloc.h"
#include "cloud.h"
#include "data/js.h"
#include "job_key.h"
#include "kube/client.h"
#include "landing.h"
#include "os/options.h"
#include "seal/manifest.h"

#include "base/banned.h"

enum { CONNECTIONS = 8 };

struct arguments {
    const char *job, *space, *target, *kubeconfig, *context;
    bool help;
};

/* What the job's object says of its output; borrows from the tree. */
struct output {
    const char *uri, *manifest_sha256, *job_uid, *kms_key_name, *wrapped_keyset;
    bool require_hsm;
};

static int parse(int argc, char **argv, struct arguments *ret, struct err *e)
{
    const struct option_row rows[] = {
        {"namespace", 'n', OPTION_TEXT, &ret->space, "NAMESPACE", "of the job (default: the context's)"},
        {"output", 'o', OPTION_TEXT, &ret->target, "DIRECTORY",
         "where to; must not exist or be empty (default: the job's name)"},
        {"kubeconfig", '\0', OPTION_TEXT, &ret->kubeconfig, "FILE", "instead of $KUBECONFIG"},
        {"context", '\0', OPTION_TEXT, &ret->context, "NAME", "of the kubeconfig"},
        {"help", 'h', OPTION_FLAG, &ret->help, NULL, "show this help"},
    };
    int words;
    if (options_parse(rows, ARRAY_LEN(rows), argc, argv, &words, e) < 0)
        return -1;
    if (ret->help) {
        puts("Downloads a job's output, decrypts and verifies it.\n\n"
             "  kubectl cloister fetch JOB [-n NAMESPACE] [-o DIRECTORY]\n");
        options_print_help(stdout, rows, ARRAY_LEN(rows));
        return 0;
    }
    if (words != 1)
        return FAIL(e, ERR_INVALID, "say which job's output to fetch: fetch JOB");
    ret->job = argv[0];
    if (ret->target == NULL)
        ret->target = ret->job;
    /* They become parts of a URL's path. */
    if (job_key_check_name(ret->job, e) < 0)
        return -1;
    return ret->space == NULL ? 0 : job_key_check_name(ret->space, e);
}

static int read_job(const struct arguments *a, json_t **ret, struct err *e)
{
    struct kube_config *config CLEANUP(cleanup_kube_config) = kube_config_new(a->kubeconfig, a->context, e);
    if (config == NULL)
        return err_wrap(e, "the kubeconfig");
    const char *space = a->space != NULL ? a->space : config->default_namespace;
    char *path CLEANUP(cleanup_free) =
        xasprintf("/apis/cloister.dev/v1alpha1/namespaces/%s/trainingjobs/%s", space, a->job);
    return kube_get_blocking(config, path, ret, e) < 0
               ? err_wrap(e, "TrainingJob %s in namespace %s", a->job, space)
               : 0;
}

static const json_t *find_key(const json_t *job, const char *name)
{
    const json_t *key;
    size_t i;
    json_array_foreach(js_at(job, "spec.keys"), i,
                       key) if (strcmp(js_text(key, "name"), name) == 0) return key;
    return NULL;
}

static int read_output(const json_t *job, const char *name, struct output *ret, struct err *e)
{
    const char *key_name = js_text(job, "spec.output.keyName"), *phase = js_text(job, "status.phase");
    const json_t *key = find_key(job, key_name);
    *ret = (struct output){.uri = js_text(job, "status.output.uri"),
                           .manifest_sha256 = js_text(job, "status.output.manifestSHA256"),
                           .job_uid = js_text(job, "metadata.uid"),
                           .kms_key_name = js_text(key, "kmsKeyName"),
                           .wrapped_keyset = js_text(key, "wrappedKeyset"),
                           .require_hsm = js_bool(job, "spec.confidential.requireHSM", true)};
    if (*key_name == '\0')
        return FAIL_OBJECT(e, ERR_NOT_FOUND, name, "job %s has no output: its spec says none", name);
    if (*ret->uri == '\0')
        return FAIL_OBJECT(e, ERR_NOT_FOUND, name, "job %s has published nothing; it is %s", name,
                           *phase != '\0' ? phase : "new");
    if (key == NULL)
        return FAIL_OBJECT(e, ERR_INVALID, name, "job %s has no key %s in spec.keys", name, key_name);
    return job_key_check_kms_name(ret->kms_key_name, e);
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

/* Storage knows nothing of whose output it was: that is said by the manifest, which only the key can make. */
static int read_manifest(struct cloud *c, const struct output *o, const struct keyset *ks,
                         struct seal_set *ret, struct err *e)
{
    char *bucket CLEANUP(cleanup_free) = NULL, *name CLEANUP(cleanup_free) = NULL,
                 *id CLEANUP(cleanup_free) = NULL;
    struct manifest m = {.kind = NULL};
    if (locate(o->uri, &bucket, &name, &id, e) < 0 ||
        manifest_read(&c->site, c->session, ks, bucket, name, id, o->manifest_sha256, &m, e) < 0)
        return -1;
    int result = 0;
    if (strcmp(m.job_uid, o->job_uid) != 0 || strcmp(m.kind, "output") != 0)
        result = FAIL_OBJECT(e, ERR_DATA_SWAPPED, o->uri, "%s is not the output of this job", o->uri);
    if (result == 0)
        result = manifest_set(&c->site, c->session, &m, bucket, name, ret, e);
    manifest_fini(&m);
    return result;
}

static int download(struct cloud *c, const struct output *o, const struct landing *l, size_t *ret_files,
                    struct err *e)
{
    struct keyset ks = {.keys = NULL};
    struct seal_set set = {.items = NULL};
    int result =
        seal_open_keyset(&c->site, c->session, o->kms_key_name, o->wrapped_keyset, o->require_hsm, &ks, e);
    if (result == 0)
        result = read_manifest(c, o, &ks, &set, e);
    if (result == 0)
        result = seal_fetch(&c->site, &ks, &set, l->temporary, CONNECTIONS, e);
    if (result < 0 && e->code == ERR_INPUT_VOLUME_FULL) {
        err_fini(e);
        result = FAIL_OBJECT(e, ERR_IO, l->target, "no room on the disk for the %llu bytes of %s",
                             (unsigned long long)set.plain_bytes, l->target);
    }
    *ret_files = set.count;
    seal_set_fini(&set);
    keyset_free(&ks);
    return result;
}

static int fetch(const struct output *o, const char *target, struct err *e)
{
    struct cloud c;
    struct landing l;
    size_t files = 0;
    if (landing_make(target, &l, e) < 0)
        return -1;
    int result = cloud_open(&c, e);
    if (result == 0) {
        result = download(&c, o, &l, &files, e);
        cloud_close(&c);
    }
    if (result == 0)
        result = landing_commit(&l, e);
    if (result == 0)
        printf("fetched %zu file%s of %s into %s\n", files, files == 1 ? "" : "s", o->uri, l.target);
    landing_fini(&l);
    return result;
}

int command_fetch(int argc, char **argv, struct err *e)
{
    struct arguments a = {.job = NULL};
    json_t *job CLEANUP(js_free) = NULL;
    struct output o;
    if (parse(argc, argv, &a, e) < 0)
        return COMMAND_MISUSED;
    if (a.help)
        return 0;
    if (read_job(&a, &job, e) < 0 || read_output(job, a.job, &o, e) < 0)
        return -1;
    return fetch(&o, a.target, e);
}
