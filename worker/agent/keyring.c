#include "agent/keyring.h"

#include <string.h>

#include "base/alloc.h"
#include "net/http_session.h"

#include "base/banned.h"

enum { METADATA_PATIENCE_MS = 45 * 1000 };

int keyring_open(struct keyring *ret, const struct plan *plan, const struct gcp_site *site, struct err *e)
{
    struct keyring k = {.plan = plan, .keysets = xcalloc(plan->key_count, sizeof(*k.keysets))};
    struct gcp_site kms = *site;
    struct http_session *s = http_session_new(site->tls);
    int result = 0;
    kms.identity = identity_from_metadata(plan->metadata_url, METADATA_PATIENCE_MS);
    for (size_t i = 0; result == 0 && i < plan->key_count; i++) {
        const struct plan_key *key = &plan->keys[i];
        result = seal_open_keyset(&kms, s, key->kms_key_name, key->wrapped_keyset, plan->require_hsm,
                                  &k.keysets[i], e);
        if (result < 0)
            err_wrap_text(e, "opening %s", key->name);
    }
    http_session_free(s);
    identity_free(kms.identity);
    if (result < 0)
        keyring_wipe(&k);
    else
        *ret = k;
    return result;
}

void keyring_wipe(struct keyring *k)
{
    for (size_t i = 0; k->keysets != NULL && i < k->plan->key_count; i++)
        keyset_free(&k->keysets[i]);
    free(k->keysets);
    k->keysets = NULL;
}

const struct keyset *keyring_find(const struct keyring *k, const char *name, struct err *e)
{
    for (size_t i = 0; k->keysets != NULL && i < k->plan->key_count; i++)
        if (strcmp(k->plan->keys[i].name, name) == 0)
            return &k->keysets[i];
    err_set(e, ERR_INVALID, name, "the job defines no key %s", name);
    return NULL;
}
