#include "key_entry.h"

#include <string.h>

#include "base/alloc.h"
#include "data/js.h"
#include "data/yaml.h"
#include "gcp/kms.h"
#include "os/file.h"
#include "yaml_print.h"
#include "seal/unwrap.h"

#include "base/banned.h"

#define LETTERS_AND_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
/* A project may belong to a domain: "example.com:project". */
#define KMS_CHARACTERS LETTERS_AND_DIGITS "_-./:"

enum { YAML_MAX = 1024 * 1024 };

void key_entry_fini(struct key_entry *k)
{
    free(k->name);
    free(k->kms_key_name);
    free(k->wrapped_keyset);
    keyset_free(&k->keyset);
    *k = (struct key_entry){.name = NULL};
}

int key_entry_check_kms_name(const char *kms_key_name, struct err *e)
{
    static const char *const PARTS[] = {"projects", "locations", "keyRings", "cryptoKeys"};
    struct view rest = view_from(kms_key_name);
    size_t length = strlen(kms_key_name);
    if (strspn(kms_key_name, KMS_CHARACTERS) != length)
        return FAIL(e, ERR_INVALID, "\"%s\" is not the name of a Cloud KMS key", kms_key_name);
    for (size_t i = 0; i < ARRAY_LEN(PARTS); i++) {
        struct view kind = view_cut(rest, '/', &rest), name = view_cut(rest, '/', &rest);
        if (!view_equal_text(kind, PARTS[i]) || name.len == 0)
            return FAIL(e, ERR_INVALID,
                        "\"%s\" is not the name of a Cloud KMS key: "
                        "projects/P/locations/L/keyRings/R/cryptoKeys/K",
                        kms_key_name);
    }
    return rest.len == 0 ? 0
                         : FAIL(e, ERR_INVALID, "\"%s\" is a key version; name the key itself", kms_key_name);
}

int key_entry_check_name(const char *name, struct err *e)
{
    size_t length = strlen(name);
    if (length == 0 || length > 63 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != length ||
        name[0] == '-' || name[length - 1] == '-')
        return FAIL(e, ERR_INVALID,
                    "\"%s\" is not a valid name: use at most 63 lower-case letters, digits and dashes", name);
    return 0;
}

int key_entry_make(struct cloud *c, const char *name, const char *kms_key_name, struct key_entry *ret,
                   struct err *e)
{
    struct secret serialized CLEANUP(secret_free) = {.bytes = NULL};
    struct key_entry k = {.name = NULL};
    keyset_generate(&k.keyset, &serialized);
    k.wrapped_keyset = kms_encrypt(&c->client, kms_key_name, &serialized, e);
    if (k.wrapped_keyset == NULL) {
        key_entry_fini(&k);
        return err_wrap(e, "wrapping a new keyset");
    }
    k.name = xstrdup(name);
    k.kms_key_name = xstrdup(kms_key_name);
    *ret = k;
    return 0;
}

/* Borrowed from the document. */
static const json_t *find_key(const json_t *document, const char *path, const char *name, struct err *e)
{
    const json_t *keys = js_at(document, "keys"), *key;
    size_t i;
    if (keys == NULL)
        keys = js_at(document, "spec.keys");
    if (json_array_size(keys) == 0) {
        err_set(e, ERR_INVALID, path, "%s has no keys: section", path);
        return NULL;
    }
    if (name == NULL && json_array_size(keys) > 1) {
        err_set(e, ERR_INVALID, path, "%s has several keys; choose one with --key-name", path);
        return NULL;
    }
    json_array_foreach(keys, i, key) if (name == NULL || strcmp(js_text(key, "name"), name) == 0) return key;
    err_set(e, ERR_INVALID, path, "%s has no key named %s", path, name);
    return NULL;
}

int key_entry_read(struct cloud *c, const char *path, const char *name, struct key_entry *ret, struct err *e)
{
    char *text CLEANUP(cleanup_free) = file_read(path, YAML_MAX, NULL, e);
    json_t *document CLEANUP(js_free) = text == NULL ? NULL : yaml_parse(view_from(text), path, e);
    const json_t *key = document == NULL ? NULL : find_key(document, path, name, e);
    if (key == NULL)
        return -1;
    struct key_entry k = {.name = xstrdup(js_text(key, "name")),
                          .kms_key_name = xstrdup(js_text(key, "kmsKeyName")),
                          .wrapped_keyset = xstrdup(js_text(key, "wrappedKeyset"))};
    struct kms_key kms_key = {.name = k.kms_key_name};
    if (key_entry_check_name(k.name, e) < 0 || key_entry_check_kms_name(k.kms_key_name, e) < 0 ||
        seal_unwrap_keyset(&c->client, &kms_key, k.wrapped_keyset, &k.keyset, e) < 0) {
        key_entry_fini(&k);
        return err_wrap(e, "the key in %s", path);
    }
    *ret = k;
    return 0;
}

void key_entry_print(const struct key_entry *k, FILE *out)
{
    fputs("keys:\n", out);
    yaml_print_line(out, "- name", k->name);
    yaml_print_line(out, "  kmsKeyName", k->kms_key_name);
    yaml_print_line(out, "  wrappedKeyset", k->wrapped_keyset);
}
