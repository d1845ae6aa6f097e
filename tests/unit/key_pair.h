/*
 * A key and a certificate for 127.0.0.1 that is its own authority, for the tests of TLS.
 */
#ifndef TESTS_UNIT_KEY_PAIR_H
#define TESTS_UNIT_KEY_PAIR_H

#include "base/secret.h"

struct key_pair {
    char *cert; /* PEM */
    struct secret key;
};

/* A new one each time; the caller frees it with key_pair_fini. */
struct key_pair key_pair_make(void);
void key_pair_fini(struct key_pair *p);

#endif
