#include "crypt/stream.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#include "crypt/stream_int.h"

#include "base/banned.h"

static uint64_t segments_of(const struct stream_params *p, uint64_t plain_bytes)
{
    uint64_t per_segment = p->segment_bytes - STREAM_TAG;
    uint64_t n = (plain_bytes + stream_header_bytes(p) + per_segment - 1) / per_segment;
    return n > 0 ? n : 1;
}

uint64_t stream_cipher_size(const struct stream_params *p, uint64_t plain_bytes)
{
    return plain_bytes + stream_header_bytes(p) + STREAM_TAG * segments_of(p, plain_bytes);
}

int stream_plain_size(const struct stream_params *p, uint64_t cipher_bytes, uint64_t *ret_plain_bytes)
{
    /* The number of a segment has four bytes of the nonce. */
    if (cipher_bytes < stream_header_bytes(p) + STREAM_TAG || cipher_bytes / p->segment_bytes >= UINT32_MAX)
        return -1;
    uint64_t n = (cipher_bytes + p->segment_bytes - 1) / p->segment_bytes;
    uint64_t tail = cipher_bytes % p->segment_bytes;
    if (n > 1 && tail > 0 && tail < STREAM_TAG)
        return -1;
    *ret_plain_bytes = cipher_bytes - stream_header_bytes(p) - STREAM_TAG * n;
    return 0;
}

uint64_t stream_least_plain_size(const struct keyset *ks, uint32_t likely_id, uint64_t cipher_bytes)
{
    const struct keyset_key *likely = keyset_find(ks, likely_id);
    uint64_t bytes, least = UINT64_MAX;
    if (likely != NULL && stream_plain_size(&likely->params, cipher_bytes, &bytes) == 0)
        return bytes;
    for (size_t i = 0; i < ks->count; i++)
        if (ks->keys[i].is_enabled && stream_plain_size(&ks->keys[i].params, cipher_bytes, &bytes) == 0 &&
            bytes < least)
            least = bytes;
    return least == UINT64_MAX ? 0 : least;
}

static const char *hash_name(enum stream_hash hash)
{
    switch (hash) {
    case STREAM_SHA1: return "SHA1";
    case STREAM_SHA512: return "SHA512";
    case STREAM_SHA256: break;
    }
    return "SHA256";
}

/* RFC 5869 with the object's salt and, as info, the associated data. */
static void derive_key(const struct keyset_key *key, const uint8_t *salt, struct view info,
                       struct secret *ret)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    char hash[8];
    memcpy(hash, hash_name(key->params.hash), strlen(hash_name(key->params.hash)) + 1);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key->material.bytes, key->material.len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt,
                                          key->params.derived_bytes),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info.ptr, info.len),
        OSSL_PARAM_construct_end(),
    };
    secret_alloc(ret, key->params.derived_bytes);
    if (kdf == NULL || context == NULL || EVP_KDF_derive(context, ret->bytes, ret->len, params) != 1)
        abort();
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
}

void segment_cipher_init(struct segment_cipher *c, const struct keyset_key *key, const uint8_t *header,
                         struct view associated_data, bool is_encrypting)
{
    struct secret derived CLEANUP(secret_free) = {.bytes = NULL};
    const uint8_t *salt = header + 1, *prefix = salt + key->params.derived_bytes;
    derive_key(key, salt, associated_data.len > 0 ? associated_data : VIEW_LITERAL(""), &derived);
    memcpy(c->nonce, prefix, 7);
    c->context = EVP_CIPHER_CTX_new();
    if (c->context == NULL ||
        EVP_CipherInit_ex2(c->context,
                           key->params.derived_bytes == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm(),
                           derived.bytes, NULL, is_encrypting, NULL) != 1)
        abort();
}

void segment_cipher_fini(struct segment_cipher *c)
{
    EVP_CIPHER_CTX_free(c->context);
    c->context = NULL;
}

void segment_begin(struct segment_cipher *c, uint32_t number, bool is_last)
{
    c->nonce[7] = (uint8_t)(number >> 24);
    c->nonce[8] = (uint8_t)(number >> 16);
    c->nonce[9] = (uint8_t)(number >> 8);
    c->nonce[10] = (uint8_t)number;
    c->nonce[11] = is_last ? 1 : 0;
    if (EVP_CipherInit_ex2(c->context, NULL, NULL, c->nonce, -1, NULL) != 1)
        abort();
}

void segment_update(struct segment_cipher *c, const void *in, size_t length, void *out)
{
    int written;
    if (length > 0 && EVP_CipherUpdate(c->context, out, &written, in, (int)length) != 1)
        abort();
}

void segment_seal(struct segment_cipher *c, uint8_t tag[STREAM_TAG])
{
    uint8_t none[STREAM_TAG];
    int written;
    if (EVP_CipherFinal_ex(c->context, none, &written) != 1 ||
        EVP_CIPHER_CTX_ctrl(c->context, EVP_CTRL_AEAD_GET_TAG, STREAM_TAG, tag) != 1)
        abort();
}

bool segment_verify(struct segment_cipher *c, const uint8_t tag[STREAM_TAG])
{
    uint8_t none[STREAM_TAG];
    int written;
    if (EVP_CIPHER_CTX_ctrl(c->context, EVP_CTRL_AEAD_SET_TAG, STREAM_TAG, (void *)(uintptr_t)tag) != 1)
        abort();
    return EVP_CipherFinal_ex(c->context, none, &written) == 1;
}
