/*
 * One AES-GCM-HKDF key schedule for one object, shared by reader and writer.
 * Internal to lib/crypt. The owner calls segment_cipher_fini; a failure of
 * OpenSSL's arithmetic aborts.
 */
#ifndef CRYPT_STREAM_INT_H
#define CRYPT_STREAM_INT_H

#include <openssl/evp.h>

#include "crypt/stream.h"

struct segment_cipher {
    EVP_CIPHER_CTX *context; /* keyed with the object's derived key */
    uint8_t nonce[12];       /* prefix, BE32 segment number, last flag */
};

/* header: length byte, salt, nonce prefix, as in the object. is_encrypting chooses the direction. */
void segment_cipher_init(struct segment_cipher *c, const struct keyset_key *key, const uint8_t *header,
                         struct view associated_data, bool is_encrypting);
void segment_cipher_fini(struct segment_cipher *c);
/* Starts a segment: sets the nonce. */
void segment_begin(struct segment_cipher *c, uint32_t number, bool is_last);
/* Encrypts or decrypts the next bytes of the segment; out may equal in. */
void segment_update(struct segment_cipher *c, const void *in, size_t length, void *out);
/* Encrypting: writes the tag. */
void segment_seal(struct segment_cipher *c, uint8_t tag[STREAM_TAG]);
/* Decrypting: true when the tag is right. */
bool segment_verify(struct segment_cipher *c, const uint8_t tag[STREAM_TAG]) MUST_CHECK;

#endif
