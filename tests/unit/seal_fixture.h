/*
 * What each test of sealed objects begins with: an empty bucket in memory, a new
 * keyset, a sealing context of gs://bucket/set/, and an empty directory.
 */
#ifndef TESTS_UNIT_SEAL_FIXTURE_H
#define TESTS_UNIT_SEAL_FIXTURE_H

#include "bucket_fixture.h"
#include "seal/context.h"

struct seal_fixture {
    struct bucket_fixture *bucket; /* its error is that of the calls */
    struct keyset keys;
    struct seal_context c;
    char directory[32];
    int directory_fd;
};

/* Set-up and tear-down of a cmocka test; *state is the fixture. */
int seal_fixture_make(void **state);
int seal_fixture_free(void **state);
#define SEAL_TEST(name) cmocka_unit_test_setup_teardown(name, seal_fixture_make, seal_fixture_free)

/* Writes a file below the directory; missing parents are made. Returns its descriptor, open for both. */
int make_file(struct seal_fixture *s, const char *path, struct view bytes);
/* The file below the directory has these bytes. */
void must_be_file(struct seal_fixture *s, const char *path, struct view bytes);
/* Flips a bit of an object. */
void flip(struct fake_object *o, size_t at);
/* A fault's effect: the reply is lost. */
void lose_reply(struct exchange *x);

#endif
