/*
 * Cloud KMS: unwrapping and wrapping keysets (cryptoKeys.decrypt and .encrypt,
 * cloud.google.com/kms/docs/reference/rest). CRC32C is checked both ways.
 *
 * Errors name the key: KEY_ACCESS_DENIED, KEY_NOT_FOUND, KEY_DISABLED,
 * KEY_REJECTED (the ciphertext is not of this key), KEY_NOT_HSM, KEYSET_INVALID
 * (what was wrapped is too long for a keyset).
 */
#ifndef GCP_KMS_H
#define GCP_KMS_H

#include "gcp/call.h"

/* ciphertext: raw bytes. require_hsm: an answer whose protectionLevel is not HSM is refused. */
int kms_decrypt(const struct gcp_site *site, struct http_session *s, const char *key_name,
                struct view ciphertext, bool require_hsm, struct secret *ret, struct err *e) MUST_CHECK;
/* Base64 text of the ciphertext; the caller frees it. NULL with *e set. */
char *kms_encrypt(const struct gcp_site *site, struct http_session *s, const char *key_name,
                  const struct secret *plaintext, struct err *e) MUST_CHECK;

#endif
