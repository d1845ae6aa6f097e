#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "command.h"
#include "job_key.h"
#include "os/file.h"
#include "os/options.h"
#include "seal/set.h"

#include "base/banned.h"

enum { DEPTH_MAX = 64 };

struct encryption {
    struct cloud cloud;
    struct job_key key;
    const char *mode; /* associatedData of the input */
    char *bucket, *prefix;
    uint64_t if_generation;
    size_t files;
};

static char *associated_data(const struct encryption *x, const char *name, const char *path)
{
    if (strcmp(x->mode, "Object") == 0)
        return gcs_uri(x->bucket, name);
    if (strcmp(x->mode, "Relative") == 0)
        return xstrdup(path);
    return xstrdup(x->mode + strlen(SEAL_FIXED));
}

static int encrypt_file(struct encryption *x, int fd, uint64_t size, const char *path, struct err *e)
{
    char *name CLEANUP(cleanup_free) = xasprintf("%s%s", x->prefix, path);
    char *ad CLEANUP(cleanup_free) = associated_data(x, name, path);
    char *uri CLEANUP(cleanup_free) = gcs_uri(x->bucket, name);
    struct sealed sealed;
    if (!seal_path_is_safe(path))
        return FAIL(e, ERR_INVALID, "\"%s\" cannot be the path of an input", path);
    if (seal_write_file(&x->cloud.site, x->cloud.session, &x->key.keyset, ad, fd, size, x->bucket, name,
                        x->if_generation, &sealed, e) < 0) {
        if (e->code == ERR_CONFLICT) {
            err_fini(e);
            return FAIL_OBJECT(e, ERR_ALREADY_EXISTS, uri, "%s exists; give --overwrite to replace it", uri);
        }
        return -1;
    }
    fprintf(stderr, "encrypted %s to %s (%llu bytes)\n", path, uri, (unsigned long long)size);
    x->files++;
    return 0;
}

static int encrypt_path(struct encryption *x, int parent_fd, const char *entry, const char *path, int depth,
                        struct err *e);

static int encrypt_directory(struct encryption *x, int fd, const char *path, int depth, struct err *e)
{
    struct dirent **entries;
    int result = 0, n = depth > DEPTH_MAX ? -1 : scandirat(fd, ".", &entries, NULL, alphasort);
    if (n < 0)
        return FAIL(e, ERR_IO, "%s: cannot be read as a directory", path);
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        char *child CLEANUP(cleanup_free) = *path == '\0' ? xstrdup(name) : xasprintf("%s/%s", path, name);
        if (result == 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            result = encrypt_path(x, fd, name, child, depth + 1, e);
        free(entries[i]);
    }
    free(entries);
    return result;
}

/* path: what the object is called below the prefix. Links inside a directory are not followed. */
static int encrypt_path(struct encryption *x, int parent_fd, const char *entry, const char *path, int depth,
                        struct err *e)
{
    struct stat st;
    int fd CLEANUP(cleanup_fd) =
        openat(parent_fd, entry, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (depth > 0 ? O_NOFOLLOW : 0));
    if (fd < 0 && depth > 0 && errno == ELOOP)
        return FAIL_OBJECT(e, ERR_INVALID, entry, "%s is a symbolic link; encrypt what it points to", path);
    if (fd < 0 || fstat(fd, &st) < 0)
        return FAIL_ERRNO(e, "opening %s", entry);
    if (S_ISREG(st.st_mode))
        return encrypt_file(x, fd, (uint64_t)st.st_size, path, e);
    if (S_ISDIR(st.st_mode))
        return encrypt_directory(x, fd, depth == 0 ? "" : path, depth, e);
    return FAIL_OBJECT(e, ERR_INVALID, entry, "%s is neither a file nor a directory", path);
}

static int open_key(struct encryption *x, const char *kms_key, const char *name, const char *file,
                    struct err *e)
{
    if (file != NULL)
        return job_key_read(&x->cloud, file, name, &x->key, e);
    return job_key_make(&x->cloud, name == NULL ? "data" : name, kms_key, &x->key, e);
}

static void print_input(const struct encryption *x)
{
    printf("inputs:\n- name: %s\n  uri: gs://%s/%s\n  keyName: %s\n", x->key.name, x->bucket, x->prefix,
           x->key.name);
    if (strcmp(x->mode, "Object") != 0)
        printf("  associatedData: \"%s\"\n", x->mode);
}

static int encrypt_all(struct encryption *x, char **paths, int count, struct err *e)
{
    for (int i = 0; i < count; i++) {
        size_t length = strlen(paths[i]);
        while (length > 1 && paths[i][length - 1] == '/')
            paths[i][--length] = '\0';
        const char *slash = strrchr(paths[i], '/');
        if (encrypt_path(x, AT_FDCWD, paths[i], slash == NULL ? paths[i] : slash + 1, 0, e) == 0)
            continue;
        if (x->files > 0)
            fprintf(stderr, "%zu objects were already written below gs://%s/%s; no job refers to them yet\n",
                    x->files, x->bucket, x->prefix);
        return -1;
    }
    return x->files > 0 ? 0 : FAIL(e, ERR_INVALID, "there is no file to encrypt");
}

static int check(const char *kms_key, const char *keyset_file, const char *name, const char *mode,
                 const char *prefix, struct err *e)
{
    if ((kms_key == NULL) == (keyset_file == NULL))
        return FAIL(e, ERR_INVALID,
                    "say which key to use: --kms-key for a new keyset, or --keyset FILE for an earlier one");
    if (kms_key != NULL && job_key_check_kms_name(kms_key, e) < 0)
        return -1;
    if (name != NULL && job_key_check_name(name, e) < 0)
        return -1;
    if (strcmp(mode, "Object") != 0 && strcmp(mode, "Relative") != 0 &&
        !view_has_prefix(view_from(mode), SEAL_FIXED))
        return FAIL(e, ERR_INVALID, "--associated-data is Object, Relative or Fixed:<text>, not %s", mode);
    if (*prefix != '\0' && !view_has_suffix(view_from(prefix), "/"))
        return FAIL(e, ERR_INVALID, "the target is a folder: end it with a slash");
    return 0;
}

int command_encrypt(int argc, char **argv, struct err *e)
{
    const char *kms_key = NULL, *name = NULL, *file = NULL;
    struct encryption x = {.mode = "Object"};
    bool help = false, overwrite = false;
    const struct option_row rows[] = {
        {"kms-key", '\0', OPTION_TEXT, &kms_key, "KEY", "make a new keyset, wrapped by this Cloud KMS key"},
        {"keyset", '\0', OPTION_TEXT, &file, "FILE",
         "use the key in this YAML (of keyset or encrypt) instead"},
        {"name", '\0', OPTION_TEXT, &name, "NAME", "what the job calls key and input (default: data)"},
        {"associated-data", '\0', OPTION_TEXT, &x.mode, "MODE",
         "Object (default), Relative or Fixed:<text>, as in inputs[]"},
        {"overwrite", '\0', OPTION_FLAG, &overwrite, NULL, "replace objects that exist"},
        {"help", 'h', OPTION_FLAG, &help, NULL, "show this help"},
    };
    int words;
    if (options_parse(rows, ARRAY_LEN(rows), argc, argv, &words, e) < 0)
        return -1;
    if (help) {
        puts(
            "Encrypts files and directories into a bucket and prints the keys: and inputs: of a "
            "TrainingJob.\n\n"
            "  kubectl cloister encrypt FILE|DIRECTORY... gs://BUCKET/FOLDER/ --kms-key KEY [--name NAME]\n");
        options_print_help(stdout, rows, ARRAY_LEN(rows));
        return 0;
    }
    if (words < 2)
        return FAIL(e, ERR_INVALID,
                    "say what to encrypt and where to: encrypt FILE... gs://BUCKET/FOLDER/ --kms-key KEY");
    x.if_generation = overwrite ? GCS_ANY_GENERATION : 0;
    int result = gcs_uri_parse(argv[words - 1], &x.bucket, &x.prefix, e);
    if (result == 0)
        result = check(kms_key, file, name, x.mode, x.prefix, e);
    if (result == 0)
        result = cloud_open(&x.cloud, e);
    if (result == 0) {
        result = open_key(&x, kms_key, name, file, e);
        if (result == 0)
            result = encrypt_all(&x, argv, words - 1, e);
        if (result == 0) {
            job_key_print(&x.key, stdout);
            print_input(&x);
        }
        job_key_fini(&x.key);
        cloud_close(&x.cloud);
    }
    free(x.bucket);
    free(x.prefix);
    return result;
}
