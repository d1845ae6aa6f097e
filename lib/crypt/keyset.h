/*
 * Tink keysets for streaming AEAD, in Tink's binary form (tink.proto,
 * aes_gcm_hkdf_streaming.proto). Strict: version 0, symmetric material, exactly
 * one enabled primary key, ids that differ, at most 32 keys.
 *
 * A keyset owns its key material as secrets; keyset_free wipes it. Parsing fails
 * with ERR_KEYSET_INVALID and a message that says what is wrong and contains
 * nothing of the keys.
 */
#ifndef CRYPT_KEYSET_H
#define CRYPT_KEYSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/view.h"

/* AesGcmHkdfStreamingParams. A stream's header is 1 + derived_bytes + 7 bytes long. */
struct stream_params {
    uint32_t segment_bytes; /* of ciphertext; greater than derived_bytes + 24, at most 16 MiB here */
    uint32_t derived_bytes; /* 16 or 32 */
    enum stream_hash { STREAM_SHA1 = 1, STREAM_SHA256 = 3, STREAM_SHA512 = 4 } hash;
};

struct keyset_key {
    uint32_t id;
    bool is_enabled;
    struct stream_params params;
    struct secret material;
};

struct keyset {
    struct keyset_key *keys;
    size_t count;
    size_t primary; /* index */
};

/* Parses the binary Keyset message. Disabled keys are kept without their material. */
int keyset_parse(struct view serialized, struct keyset *ret, struct err *e) MUST_CHECK;
/* A new keyset of one AES256_GCM_HKDF_1MB key, and its binary form. */
void keyset_generate(struct keyset *ret, struct secret *ret_serialized);
void keyset_free(struct keyset *ks); /* leaves an empty keyset */
/* The enabled key of that id, borrowed; NULL when there is none. */
const struct keyset_key *keyset_find(const struct keyset *ks, uint32_t id);

#endif
