/*
 * Opening a job's keyset: KMS decrypts it, and crypt/keyset.h parses it.
 *
 * Errors: KEYSET_INVALID, and those of gcp/kms.h. They name the key.
 */
#ifndef SEAL_UNWRAP_H
#define SEAL_UNWRAP_H

#include "crypt/keyset.h"
#include "gcp/kms.h"

/* wrapped: base64 of the KMS ciphertext (Tink's encryptedKeyset). The caller frees *ret with keyset_free. */
int seal_unwrap_keyset(const struct gcp_client *client, const struct kms_key *key, const char *wrapped,
                       struct keyset *ret, struct err *e) MUST_CHECK;

#endif
