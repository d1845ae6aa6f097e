#include "commands_int.h"

#include <string.h>

#include "atomic_directory.h"
#include "base/alloc.h"
#include "cloud.h"
#include "data/js.h"
#include "key_entry.h"
#include "kube/client.h"
#include "os/options.h"
#include "seal/fetch.h"
#include "seal/links.h"
#include "seal/manifest_store.h"
#include "seal/unwrap.h"

#include "base/banned.h"

enum { CONNECTIONS = 8 };

struct fetch_options {
    const char *job, *ns, *target, *kubeconfig, *context;
    bool help;
};

/* The job's output and its key, from the job's spec and status; borrows from the tree. */
struct output {
    const char *uri, *manifest_sha256, *job_uid, *wrapped_keyset;
    struct kms_key kms_key;
};

static int parse(int argc, char **argv, struct fetch_options *ret, struct err *e)
{
    const struct option_row rows[] = {
        {"namespace", 'n', OPTION_TEXT, &ret->ns, "NAMESPACE",
         "namespace of the job (default: the context's)"},
        {"output", 'o', OPTION_TEXT, &ret->target, "DIRECTORY",
         "target directory, new or empty (default: the job's name)"},
        {"kubeconfig", '\0', OPTION_TEXT, &ret->kubeconfig, "FILE",
         "kubeconfig file (default: $KUBECONFIG, or ~/.kube/config)"},
        {"context", '\0', OPTION_TEXT, &ret->context, "NAME",
         "kubeconfig context (default: the current context)"},
        {"help", 'h', OPTION_FLAG, &ret->help, NULL, "show this help"},
    };
    int operands;
    if (options_parse(rows, ARRAY_LEN(rows), argc, argv, &operands, e) < 0)
        return -1;
    if (ret->help) {
        puts("Downloads, decrypts and verifies a job's output.\n\n"
             "  kubectl cloister fetch JOB [-n NAMESPACE] [-o DIRECTORY]\n");
        options_print_help(stdout, rows, ARRAY_LEN(rows));
        return 0;
    }
    if (operands != 1)
        return FAIL(e, ERR_INVALID, "name the job whose output to fetch: fetch JOB");
    ret->job = argv[0];
    if (ret->target == NULL)
        ret->target = ret->job;
    /* Both become segments of a URL's path. */
    if (key_entry_check_name(ret->job, e) < 0)
        return -1;
    return ret->ns == NULL ? 0 : key_entry_check_name(ret->ns, e);
}

static int read_job(const struct fetch_options *a, json_t **ret, struct err *e)
{
    struct kube_config *config CLEANUP(cleanup_kube_config) = kube_config_new(a->kubeconfig, a->context, e);
    if (config == NULL)
        return -1;
    const char *ns = a->ns != NULL ? a->ns : config->default_namespace;
    char *path CLEANUP(cleanup_free) =
        xasprintf("/apis/cloister.dev/v1alpha1/namespaces/%s/trainingjobs/%s", ns, a->job);
    return kube_get_blocking(config, path, ret, e) < 0
               ? err_wrap(e, "TrainingJob %s in namespace %s", a->job, ns)
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
                           .wrapped_keyset = js_text(key, "wrappedKeyset"),
                           .kms_key = {.name = js_text(key, "kmsKeyName"),
                                       .require_hsm = js_bool(job, "spec.confidential.requireHSM", true)}};
    if (*key_name == '\0')
        return FAIL_OBJECT(e, ERR_NOT_FOUND, name, "job %s has no output: spec.output is not set", name);
    if (*ret->uri == '\0')
        return FAIL_OBJECT(e, ERR_NOT_FOUND, name, "job %s has not published its output; its phase is %s",
                           name, *phase != '\0' ? phase : "not set");
    if (key == NULL)
        return FAIL_OBJECT(e, ERR_INVALID, name, "job %s has no key %s in spec.keys", name, key_name);
    return key_entry_check_kms_name(ret->kms_key.name, e);
}

/* The manifest in the folder that the context was opened for: "gs://bucket/…/<id>/" */
static int locate(const struct seal_context *seal, const struct output *o, struct manifest_ref *ret,
                  struct err *e)
{
    struct view folder = view_from(seal->prefix);
    if (folder.len < 2 || !view_has_suffix(folder, "/"))
        return FAIL_OBJECT(e, ERR_INVALID, o->uri, "the job's status.output.uri \"%s\" is not a folder",
                           o->uri);
    char *id = view_dup(view_of(folder.ptr, folder.len - 1)), *slash = strrchr(id, '/');
    if (slash != NULL)
        memmove(id, slash + 1, strlen(slash));
    *ret =
        (struct manifest_ref){.name = xstrdup("manifest"), .id = id, .sha256 = xstrdup(o->manifest_sha256)};
    return 0;
}

/* The bucket does not prove whose output this is; the manifest does, because writing one takes the key. */
static int read_manifest(const struct seal_context *seal, const struct output *o, struct manifest *ret,
                         struct seal_set *ret_set, struct err *e)
{
    struct manifest_ref at CLEANUP(manifest_ref_fini) = {.name = NULL};
    if (locate(seal, o, &at, e) < 0 || manifest_read(seal, &at, ret, e) < 0)
        return -1;
    if (strcmp(ret->job_uid, o->job_uid) != 0 || strcmp(ret->kind, "output") != 0)
        return FAIL_OBJECT(e, ERR_DATA_SWAPPED, o->uri, "%s is not the output of this job", o->uri);
    return manifest_objects(seal, ret, at.name, ret_set, e);
}

static int download(struct cloud *c, const struct output *o, const struct atomic_directory *d,
                    size_t *ret_files, struct err *e)
{
    struct keyset keys = {.keys = NULL};
    struct seal_set set = {.items = NULL};
    struct manifest manifest = {.kind = NULL};
    struct seal_context seal = {.prefix = NULL};
    int result = seal_unwrap_keyset(&c->client, &o->kms_key, o->wrapped_keyset, &keys, e);
    if (result == 0)
        result = seal_open(&seal, &c->config, o->uri, &keys, e);
    if (result == 0)
        result = read_manifest(&seal, o, &manifest, &set, e);
    if (result == 0)
        result = seal_fetch(&seal, &set, d->temporary, CONNECTIONS, e);
    if (result == 0)
        result = manifest_make_links(&manifest, d->temporary, 0777, e);
    if (result < 0 && e->code == ERR_INPUT_VOLUME_FULL) {
        err_fini(e);
        result = FAIL_OBJECT(e, ERR_IO, d->target, "not enough disk space for the %llu bytes of %s",
                             (unsigned long long)set.footprint.content_bytes, d->target);
    }
    *ret_files = manifest.count;
    seal_set_fini(&set);
    manifest_fini(&manifest);
    seal_close(&seal);
    keyset_free(&keys);
    return result;
}

static int fetch(const struct output *o, const char *target, struct err *e)
{
    struct cloud c;
    struct atomic_directory d;
    size_t files = 0;
    if (atomic_directory_make(target, &d, e) < 0)
        return -1;
    int result = cloud_open(&c, e);
    if (result == 0) {
        result = download(&c, o, &d, &files, e);
        cloud_close(&c);
    }
    if (result == 0)
        result = atomic_directory_commit(&d, e);
    if (result == 0)
        printf("fetched %zu file%s from %s into %s\n", files, files == 1 ? "" : "s", o->uri, d.target);
    atomic_directory_fini(&d);
    return result;
}

int command_fetch(int argc, char **argv, struct err *e)
{
    struct fetch_options a = {.job = NULL};
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
