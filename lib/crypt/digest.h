/*
 * SHA-256, in pieces or at once, and random bytes (OpenSSL). Cannot fail. The
 * caller ends each digest with digest_finish or digest_free, which free it.
 */
#ifndef CRYPT_DIGEST_H
#define CRYPT_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define SHA256_SIZE     32
#define SHA256_HEX_SIZE 65 /* lower case, with the terminator */

struct digest;

struct digest *digest_new(void) MUST_CHECK RETURNS_NONNULL;
void digest_add(struct digest *d, const void *bytes, size_t length);
/* Hexadecimal text of all bytes added; frees d. */
void digest_finish(struct digest *d, char ret_hex[SHA256_HEX_SIZE]);
void digest_free(struct digest *d); /* without a result; NULL is fine */
void sha256_hex(const void *bytes, size_t length, char ret_hex[SHA256_HEX_SIZE]);
/* Cryptographically random; ends the process when the system has none. */
void random_bytes(void *out, size_t length);

#endif
