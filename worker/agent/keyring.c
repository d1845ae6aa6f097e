#include "agent/keyring.h"

#include <string.h>

#include "base/alloc.h"
#include "seal/unwrap.h"

#include "base/banned.h"

static int unwrap_all(struct keyring *k, const struct gcp_client *kms, struct err *e)
{
    for (size_t i = 0; i < k->assignment->key_count; i++) {
        const struct assignment_key *key = &k->assignment->keys[i];
        struct kms_key kms_key = {.name = key->kms_key_name, .require_hsm = k->assignment->require_hsm};
        if (seal_unwrap_keyset(kms, &kms_key, key->wrapped_keyset, &k->keysets[i], e) < 0)
            return err_wrap(e, "opening %s", key->name);
    }
    return 0;
}

int keyring_open(struct keyring *ret, const struct assignment *assignment, const struct gcp_config *gcp,
                 struct err *e)
{
    struct keyring k = {
        .assignment = assignment, .gcp = gcp, .keysets = xcalloc(assignment->key_count, sizeof(*k.keysets))};
    struct gcp_config config = *gcp;
    struct gcp_client kms;
    config.credentials = credentials_from_metadata(assignment->metadata_url, &gcp->retry);
    gcp_client_open(&kms, &config);
    int result = unwrap_all(&k, &kms, e);
    gcp_client_close(&kms);
    credentials_free(config.credentials);
    if (result < 0)
        keyring_wipe(&k);
    else
        *ret = k;
    return result;
}

void keyring_wipe(struct keyring *k)
{
    for (size_t i = 0; k->keysets != NULL && i < k->assignment->key_count; i++)
        keyset_free(&k->keysets[i]);
    free(k->keysets);
    k->keysets = NULL;
}

static const struct keyset *find(const struct keyring *k, const char *name, struct err *e)
{
    for (size_t i = 0; k->keysets != NULL && i < k->assignment->key_count; i++)
        if (strcmp(k->assignment->keys[i].name, name) == 0)
            return &k->keysets[i];
    err_set(e, ERR_INVALID, name, "spec.keys has no key %s", name);
    return NULL;
}

int keyring_seal(const struct keyring *k, const char *uri, const char *key_name, struct seal_context *ret,
                 struct err *e)
{
    const struct keyset *keys = find(k, key_name, e);
    return keys == NULL ? -1 : seal_open(ret, k->gcp, uri, keys, e);
}
