/*
 * An entry of a TrainingJob's spec.keys: a name, and a keyset wrapped by a Cloud KMS
 * key. Either created, or read from the YAML that an earlier command printed. Owns
 * its texts and the unwrapped keyset. Fails with ERR_INVALID for names and YAML that
 * a job could not have, and with the errors of Cloud KMS (gcp/kms.h).
 */
#ifndef CLIENT_KEY_ENTRY_H
#define CLIENT_KEY_ENTRY_H

#include <stdio.h>

#include "cloud.h"
#include "crypt/keyset.h"

struct key_entry {
    char *name, *kms_key_name, *wrapped_keyset;
    struct keyset keyset;
};

/* Generates a keyset and wraps it. */
int key_entry_make(struct cloud *c, const char *name, const char *kms_key_name, struct key_entry *ret,
                   struct err *e) MUST_CHECK;
/* Reads the key called name from a YAML file with `keys:` and unwraps it; NULL means the only key there. */
int key_entry_read(struct cloud *c, const char *path, const char *name, struct key_entry *ret,
                   struct err *e) MUST_CHECK;
void key_entry_fini(struct key_entry *k);
/* Prints `keys:` with this entry, as YAML for a TrainingJob's spec. */
void key_entry_print(const struct key_entry *k, FILE *out);
/* ERR_INVALID unless it is "projects/P/locations/L/keyRings/R/cryptoKeys/K". */
int key_entry_check_kms_name(const char *kms_key_name, struct err *e) MUST_CHECK;
/* ERR_INVALID unless it is an RFC 1123 label, as names of keys, inputs, jobs and namespaces are. */
int key_entry_check_name(const char *name, struct err *e) MUST_CHECK;

#endif
