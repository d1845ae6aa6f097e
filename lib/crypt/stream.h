/*
 * Tink's AES-GCM-HKDF streaming format: constants and sizes, shared by
 * crypt/stream_reader.h and crypt/stream_writer.h.
 *
 *     header || segment 0 || segment 1 || ...     header = length, salt, nonce prefix
 *
 * Each segment ends with a tag and is authenticated on its own. Its nonce holds
 * the segment's number and whether it is the last one, so segments cannot be
 * reordered, dropped or appended. Pure; nothing here fails but stream_plain_size.
 */
#ifndef CRYPT_STREAM_H
#define CRYPT_STREAM_H

#include "base/attr.h"
#include "crypt/keyset.h"

#define STREAM_HEADER_MAX 40
#define STREAM_TAG        16

static inline uint32_t stream_header_bytes(const struct stream_params *p)
{
    return 1 + p->derived_bytes + 7;
}
/* Ciphertext bytes of that many plaintext bytes. */
uint64_t stream_cipher_size(const struct stream_params *p, uint64_t plain_bytes);
/* The inverse. -1 when no plaintext has a ciphertext of this size, or when it would take more segments than
 * a nonce can count. */
int stream_plain_size(const struct stream_params *p, uint64_t cipher_bytes,
                      uint64_t *ret_plain_bytes) MUST_CHECK;
/* The plaintext bytes of an object of which nothing was read yet: exact when likely_id names an enabled key
 * of the keyset and the object was written with it, or when all keys have the same parameters; otherwise the
 * least that an enabled key allows. 0 when no key can have written an object of this size. */
uint64_t stream_least_plain_size(const struct keyset *ks, uint32_t likely_id, uint64_t cipher_bytes);

#endif
