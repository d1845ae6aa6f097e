/*
 * What each test of Cloud Storage begins with: an empty bucket in memory and a client of it; and an object
 * that is long enough for several chunks.
 */
#ifndef TESTS_UNIT_BUCKET_FIXTURE_H
#define TESTS_UNIT_BUCKET_FIXTURE_H

#include "fake_bucket.h"

enum { MIB = 1024 * 1024, LONG_BYTES = 9 * MIB + 7 };

struct bucket_fixture {
    struct fake_bucket fake;
    struct gcs_bucket b;
    struct err e;
};

/* Lets calls end after a tenth of a second instead of two. */
void give_up_soon(struct bucket_fixture *f);

/* Set-up and tear-down of a cmocka test; *state is the fixture. */
int bucket_fixture_make(void **state);
int bucket_fixture_free(void **state);
#define BUCKET_TEST(name) cmocka_unit_test_setup_teardown(name, bucket_fixture_make, bucket_fixture_free)

/* The call has failed with that code, and its message contains both texts. Empties the error. */
void must_say(struct bucket_fixture *f, enum err_code code, const char *uri, const char *why);

/* Bytes number `first` and following of the long object. */
void long_bytes(void *out, size_t first, size_t length);
void put_long(struct bucket_fixture *f, const char *name);
/* A byte_sink that counts in a size_t and compares with the long object. */
int check_long(void *context, const void *bytes, size_t length, struct err *e);
/* Looks up the object and reads it into check_long. */
int read_checked(struct bucket_fixture *f, const char *name, size_t *ret_taken);

#endif
