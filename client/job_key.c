#include "job_key.h"

#include <string.h>

#include "base/alloc.h"
#include "data/js.h"
#include "data/yaml.h"
#include "gcp/kms.h"
#include "os/file.h"
#include "seal/set.h"

#include "base/banned.h"

enum { YAML_MAX = 1024 * 1024 };

void job_key_fini(struct job_key *k)
{
    free(k->name);
    free(k->kms_key_name);
    free(k->wrapped_keyset);
    keyset_free(&k->keyset);
    *k = (struct job_key){.name = NULL};
}

int job_key_check_kms_name(const char *kms_key_name, struct err *e)
{
    static const char *const PARTS[] = {"projects", "locations", "keyRings", "cryptoKeys"};
    struct view rest = view_from(kms_key_name);
    for (size_t i = 0; i < ARRAY_LEN(PARTS); i++) {
        struct view kind = view_cut(rest, '/', &rest), name = view_cut(rest, '/', &rest);
        if (!view_equal_text(kind, PARTS[i]) || name.len == 0)
            return FAIL(e, ERR_INVALID,
                        "\"%s\" is no key name of Cloud KMS: projects/P/locations/L/keyRings/R/cryptoKeys/K",
                        kms_key_name);
    }
    return rest.len == 0
               ? 0
               : FAIL(e, ERR_INVALID, "\"%s\" names a key version; name the key itself", kms_key_name);
}

int job_key_check_name(const char *name, struct err *e)
{
    size_t length = strlen(name);
    if (length == 0 || length > 63 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != length ||
        name[0] == '-' || name[length - 1] == '-')
        return FAIL(e, ERR_INVALID, "\"%s\" cannot be a name: small letters, digits and dashes, at most 63",
                    name);
    return 0;
}

int job_key_make(struct cloud *c, const char *name, const char *kms_key_name, struct job_key *ret,
                 struct err *e)
{
    struct secret serialized CLEANUP(secret_free) = {.bytes = NULL};
    struct job_key k = {.name = NULL};
    keyset_generate(&k.keyset, &serialized);
    k.wrapped_keyset = kms_encrypt(&c->site, c->session, kms_key_name, &serialized, e);
    if (k.wrapped_keyset == NULL) {
        job_key_fini(&k);
        return err_wrap(e, "wrapping a new keyset");
    }
    k.name = xstrdup(name);
    k.kms_key_name = xstrdup(kms_key_name);
    *ret = k;
    return 0;
}

static const json_t *find_key(const json_t *document, const char *name)
{
    const json_t *keys = js_at(document, "keys"), *key;
    size_t i;
    if (keys == NULL)
        keys = js_at(document, "spec.keys");
    json_array_foreach(keys, i, key) if (name == NULL || strcmp(js_text(key, "name"), name) == 0) return key;
    return NULL;
}

int job_key_read(struct cloud *c, const char *path, const char *name, struct job_key *ret, struct err *e)
{
    char *text CLEANUP(cleanup_free) = file_read(path, YAML_MAX, NULL, e);
    json_t *document CLEANUP(js_free) = text == NULL ? NULL : yaml_parse(view_from(text), path, e);
    if (document == NULL)
        return -1;
    const json_t *key = find_key(document, name);
    if (key == NULL)
        return FAIL_OBJECT(e, ERR_INVALID, path, "%s has no key%s%s under keys:", path,
                           name != NULL ? " named " : "", name != NULL ? name : "");
    struct job_key k = {.name = xstrdup(js_text(key, "name")),
                        .kms_key_name = xstrdup(js_text(key, "kmsKeyName")),
                        .wrapped_keyset = xstrdup(js_text(key, "wrappedKeyset"))};
    if (seal_open_keyset(&c->site, c->session, k.kms_key_name, k.wrapped_keyset, false, &k.keyset, e) < 0) {
        job_key_fini(&k);
        return err_wrap(e, "opening the keyset of %s", path);
    }
    *ret = k;
    return 0;
}

void job_key_print(const struct job_key *k, FILE *out)
{
    fprintf(out, "keys:\n- name: %s\n  kmsKeyName: %s\n  wrappedKeyset: %s\n", k->name, k->kms_key_name,
            k->wrapped_keyset);
}
