/*
 * Cloud KMS: unwrapping and wrapping keysets (cryptoKeys.decrypt and .encrypt,
 * cloud.google.com/kms/docs/reference/rest). CRC32C is checked both ways.
 *
 * Errors name the key: KEY_ACCESS_DENIED, KEY_NOT_FOUND, KEY_DISABLED,
 * KEY_REJECTED (the ciphertext was not made with this key), KEY_NOT_HSM,
 * KEYSET_INVALID (the plaintext is too long for a keyset), PROTOCOL (the replies are
 * damaged), and those of gcp/call.h.
 */
#ifndef GCP_KMS_H
#define GCP_KMS_H

#include "gcp/call.h"

struct kms_key {
    const char *name; /* "projects/P/locations/L/keyRings/R/cryptoKeys/K" */
    bool require_hsm; /* refuse a reply whose protectionLevel is not HSM */
};

/* ciphertext: raw bytes. *ret must be empty. */
int kms_decrypt(const struct gcp_client *c, const struct kms_key *key, struct view ciphertext,
                struct secret *ret, struct err *e) MUST_CHECK;
/* The ciphertext in base64; the caller frees it. NULL with *e set. */
char *kms_encrypt(const struct gcp_client *c, const char *key_name, const struct secret *plaintext,
                  struct err *e) MUST_CHECK;

#endif
