#include "seal/unwrap.h"

#include <string.h>

#include "base/alloc.h"
#include "base/codec.h"

#include "base/banned.h"

enum { WRAPPED_MAX = 64 * 1024 };

int seal_unwrap_keyset(const struct gcp_client *client, const struct kms_key *key, const char *wrapped,
                       struct keyset *ret, struct err *e)
{
    size_t capacity = BASE64_MAX_BYTES(strlen(wrapped)), length = 0;
    struct secret serialized CLEANUP(secret_free) = {.bytes = NULL};
    void *ciphertext CLEANUP(cleanup_free) = xmalloc(capacity + 1);
    if (strlen(wrapped) > WRAPPED_MAX ||
        base64_decode(view_from(wrapped), ciphertext, capacity, &length) < 0 || length == 0)
        return FAIL_OBJECT(e, ERR_KEYSET_INVALID, key->name, "the wrappedKeyset of key %s is not base64",
                           key->name);
    if (kms_decrypt(client, key, view_of(ciphertext, length), &serialized, e) < 0)
        return -1;
    if (keyset_parse(view_of(serialized.bytes, serialized.len), ret, e) < 0) {
        err_name_object(e, key->name);
        return err_wrap(e, "the wrappedKeyset of key %s", key->name);
    }
    return 0;
}
