#include "commands_int.h"

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "data/js.h"
#include "key_entry.h"
#include "os/file.h"
#include "os/options.h"
#include "yaml_print.h"
#include "gcp/gcs_write.h"
#include "seal/object_write.h"
#include "seal/set.h"
#include "file_walk.h"

#include "base/banned.h"

struct encrypt_options {
    const char *kms_key, *keyset_file, *key_name, *name, *mode, *target;
    char **paths;
    size_t path_count;
    bool overwrite, help;
};

struct encryption {
    const struct encrypt_options *a;
    struct cloud cloud;
    struct key_entry key;
    struct seal_context seal; /* of the target */
    struct file_walk walk;
};

/* ---- arguments ---- */
static int check_key_choice(const struct encrypt_options *a, struct err *e)
{
    if ((a->kms_key == NULL) == (a->keyset_file == NULL))
        return FAIL(e, ERR_INVALID,
                    "specify either --kms-key, for a new keyset, or --keyset FILE, for an existing one");
    if (a->key_name != NULL && a->keyset_file == NULL)
        return FAIL(e, ERR_INVALID, "--key-name needs --keyset FILE");
    if (a->kms_key != NULL && key_entry_check_kms_name(a->kms_key, e) < 0)
        return -1;
    return a->name == NULL ? 0 : key_entry_check_name(a->name, e);
}

static int check_target(const struct encrypt_options *a, struct err *e)
{
    json_t *mode CLEANUP(js_free) = json_string(a->mode), *target CLEANUP(js_free) = json_string(a->target);
    char *bucket CLEANUP(cleanup_free) = NULL, *prefix CLEANUP(cleanup_free) = NULL;
    if (mode == NULL || target == NULL)
        return FAIL(e, ERR_INVALID, "target and associated data must be UTF-8");
    if (strcmp(a->mode, "Object") != 0 && strcmp(a->mode, "Relative") != 0 &&
        !view_has_prefix(view_from(a->mode), SEAL_FIXED))
        return FAIL(e, ERR_INVALID, "--associated-data must be Object, Relative or Fixed:<text>, not %s",
                    a->mode);
    if (gcs_uri_parse(a->target, &bucket, &prefix, e) < 0)
        return -1;
    if (*prefix != '\0' && !view_has_suffix(view_from(prefix), "/"))
        return FAIL(e, ERR_INVALID, "the target %s must be a folder: end it with a slash", a->target);
    return 0;
}

static int parse(int argc, char **argv, struct encrypt_options *ret, struct err *e)
{
    const struct option_row rows[] = {
        {"kms-key", '\0', OPTION_TEXT, &ret->kms_key, "KEY",
         "create a keyset and wrap it with this Cloud KMS key"},
        {"keyset", '\0', OPTION_TEXT, &ret->keyset_file, "FILE",
         "use an existing key from this YAML file, as printed by keyset or encrypt"},
        {"key-name", '\0', OPTION_TEXT, &ret->key_name, "NAME",
         "key to use from FILE (default: the only one)"},
        {"name", '\0', OPTION_TEXT, &ret->name, "NAME",
         "name of the input, and of a new key (default: data, or the existing key's name)"},
        {"associated-data", '\0', OPTION_TEXT, &ret->mode, "MODE",
         "Object, Relative or Fixed:<text>, as in spec.inputs[] (default: Object)"},
        {"overwrite", '\0', OPTION_FLAG, &ret->overwrite, NULL, "replace existing objects"},
        {"help", 'h', OPTION_FLAG, &ret->help, NULL, "show this help"},
    };
    int operands;
    if (options_parse(rows, ARRAY_LEN(rows), argc, argv, &operands, e) < 0)
        return -1;
    if (ret->help) {
        puts(
            "Encrypts files and directories into a bucket, and prints the keys: and inputs: sections for a "
            "TrainingJob.\n\n"
            "  kubectl cloister encrypt FILE|DIRECTORY... gs://BUCKET/FOLDER/ --kms-key KEY [--name NAME]\n"
            "  kubectl cloister encrypt FILE|DIRECTORY... gs://BUCKET/FOLDER/ --keyset FILE [--name NAME]\n");
        options_print_help(stdout, rows, ARRAY_LEN(rows));
        return 0;
    }
    if (operands < 2)
        return FAIL(
            e, ERR_INVALID,
            "name the files to encrypt and the target: encrypt FILE... gs://BUCKET/FOLDER/ --kms-key KEY");
    ret->paths = argv;
    ret->path_count = (size_t)operands - 1;
    ret->target = argv[operands - 1];
    return check_key_choice(ret, e);
}

/* ---- encrypting ---- */
static char *associated_data(const struct encryption *x, const char *name, const char *path)
{
    if (strcmp(x->a->mode, "Object") == 0)
        return gcs_uri(x->seal.bucket.name, name);
    if (strcmp(x->a->mode, "Relative") == 0)
        return xstrdup(path);
    return xstrdup(x->a->mode + strlen(SEAL_FIXED));
}

static int encrypt_file(struct encryption *x, size_t number, struct err *e)
{
    const struct walked_file *file = &x->walk.files[number];
    char *name CLEANUP(cleanup_free) = seal_object_name(&x->seal, file->path);
    char *ad CLEANUP(cleanup_free) = associated_data(x, name, file->path);
    char *uri CLEANUP(cleanup_free) = gcs_uri(x->seal.bucket.name, name);
    struct seal_target target = {
        .name = name, .associated_data = ad, .if_generation = x->a->overwrite ? GCS_ANY_GENERATION : 0};
    uint64_t size;
    struct sealed sealed;
    int fd CLEANUP(cleanup_fd) = file_walk_open(file, &size, e);
    if (fd < 0)
        return -1;
    if (seal_write_file(&x->seal, &target, fd, size, &sealed, e) < 0) {
        if (e->code != ERR_CONFLICT)
            return err_wrap(e, "encrypting %s to %s", file->path, uri);
        err_fini(e);
        return FAIL_OBJECT(e, ERR_ALREADY_EXISTS, uri, "%s already exists; use --overwrite to replace it",
                           uri);
    }
    fprintf(stderr, "[%zu/%zu] encrypted %s to %s (%llu bytes)\n", number + 1, x->walk.count, file->path, uri,
            (unsigned long long)size);
    return 0;
}

/* No job refers to these objects; the user should know about them before repeating the command. */
static void print_leftovers(const struct encryption *x, size_t written)
{
    if (written == 0)
        return;
    fprintf(stderr, "%zu of %zu objects had already been written; no job refers to them%s:\n", written,
            x->walk.count, x->a->kms_key != NULL ? ", and their key has been discarded" : "");
    for (size_t i = 0; i < written; i++)
        fprintf(stderr, "  gs://%s/%s%s\n", x->seal.bucket.name, x->seal.prefix, x->walk.files[i].path);
}

static int encrypt_all(struct encryption *x, struct err *e)
{
    for (size_t i = 0; i < x->walk.count; i++)
        if (encrypt_file(x, i, e) < 0) {
            print_leftovers(x, i);
            return -1;
        }
    return 0;
}

static int open_key(struct encryption *x, struct err *e)
{
    const struct encrypt_options *a = x->a;
    if (a->keyset_file != NULL)
        return key_entry_read(&x->cloud, a->keyset_file, a->key_name, &x->key, e);
    return key_entry_make(&x->cloud, a->name == NULL ? "data" : a->name, a->kms_key, &x->key, e);
}

static void print_input(const struct encryption *x)
{
    char *uri CLEANUP(cleanup_free) = gcs_uri(x->seal.bucket.name, x->seal.prefix);
    puts("inputs:");
    yaml_print_line(stdout, "- name", x->a->name != NULL ? x->a->name : x->key.name);
    yaml_print_line(stdout, "  uri", uri);
    yaml_print_line(stdout, "  keyName", x->key.name);
    if (strcmp(x->a->mode, "Object") != 0)
        yaml_print_line(stdout, "  associatedData", x->a->mode);
}

static int encrypt(struct encryption *x, struct err *e)
{
    if (file_walk_make(x->a->paths, x->a->path_count, &x->walk, e) < 0 || cloud_open(&x->cloud, e) < 0)
        return -1;
    int result = open_key(x, e);
    if (result == 0)
        result = seal_open(&x->seal, &x->cloud.config, x->a->target, &x->key.keyset, e);
    if (result == 0)
        result = encrypt_all(x, e);
    if (result == 0) {
        key_entry_print(&x->key, stdout);
        print_input(x);
    }
    seal_close(&x->seal);
    key_entry_fini(&x->key);
    cloud_close(&x->cloud);
    return result;
}

int command_encrypt(int argc, char **argv, struct err *e)
{
    struct encrypt_options a = {.mode = "Object"};
    struct encryption x = {.a = &a};
    if (parse(argc, argv, &a, e) < 0)
        return COMMAND_MISUSED;
    if (a.help)
        return 0;
    int result = check_target(&a, e) < 0 ? COMMAND_MISUSED : encrypt(&x, e);
    file_walk_fini(&x.walk);
    return result;
}
