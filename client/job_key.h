/*
 * A key as a TrainingJob names it: the keyset wrapped by a Cloud KMS key, under a
 * name. Made new, or read from the YAML that an earlier command printed. Owns its
 * texts and the opened keyset.
 */
#ifndef CLIENT_JOB_KEY_H
#define CLIENT_JOB_KEY_H

#include <stdio.h>

#include "cloud.h"
#include "crypt/keyset.h"

struct job_key {
    char *name, *kms_key_name, *wrapped_keyset;
    struct keyset keyset;
};

/* A new keyset, wrapped. */
int job_key_make(struct cloud *c, const char *name, const char *kms_key_name, struct job_key *ret,
                 struct err *e) MUST_CHECK;
/* From a YAML file with `keys:`; name chooses one, NULL takes the only one. Unwraps it. */
int job_key_read(struct cloud *c, const char *path, const char *name, struct job_key *ret,
                 struct err *e) MUST_CHECK;
void job_key_fini(struct job_key *k);
/* As YAML to paste into a TrainingJob's spec. */
void job_key_print(const struct job_key *k, FILE *out);
/* "projects/P/locations/L/keyRings/R/cryptoKeys/K"? ERR_INVALID otherwise. */
int job_key_check_kms_name(const char *kms_key_name, struct err *e) MUST_CHECK;
/* Names of keys, inputs, jobs and namespaces: RFC 1123 labels. */
int job_key_check_name(const char *name, struct err *e) MUST_CHECK;

#endif
