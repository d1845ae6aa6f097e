/* The listing of a set: how much room its objects need, before any of them is read. */
#include "seal/set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "data/js.h"
#include "seal/fetch.h"
#include "seal/object_write.h"
#include "seal_fixture.h"

#include "base/banned.h"

/* A keyset with the fixture's key and an older one whose segments have 4 KiB; either may be the primary. */
struct two_keys {
    struct keyset old;
    struct keyset_key keys[2];
    struct keyset both;
};

static void two_keys_make(struct two_keys *ret, struct seal_fixture *s)
{
    struct secret serialized CLEANUP(secret_free) = {.bytes = NULL};
    keyset_generate(&ret->old, &serialized);
    ret->old.keys[0].params.segment_bytes = 4096;
    ret->keys[0] = s->keys.keys[0];
    ret->keys[1] = ret->old.keys[0];
    ret->both = (struct keyset){.keys = ret->keys, .count = 2, .primary = 0};
    s->c.keys = &ret->both;
}

static void put_long_as(struct seal_fixture *s, const char *name)
{
    struct seal_target t = {.name = name, .associated_data = name};
    struct sealed sealed;
    uint8_t *bytes CLEANUP(cleanup_free) = xmalloc(MIB);
    long_bytes(bytes, 0, MIB);
    assert_int_equal(seal_write_bytes(&s->c, &t, view_of(bytes, MIB), &sealed, &s->bucket->e), 0);
}

static uint64_t listed_bytes(struct seal_fixture *s, struct seal_set *ret)
{
    assert_int_equal(seal_set_list(&s->c, "Fixed:set/a", ret, &s->bucket->e), 0);
    assert_int_equal(ret->count, 1);
    return ret->plain_bytes;
}

static void room_is_judged_by_the_key_that_an_object_was_encrypted_with(void **state)
{
    struct seal_fixture *s = *state;
    struct two_keys k;
    two_keys_make(&k, s);
    for (size_t i = 0; i < 4; i++) {
        struct seal_set set = {.items = NULL};
        k.both.primary = i % 2;
        put_long_as(s, "set/a");
        k.both.primary = i / 2;
        assert_int_equal(listed_bytes(s, &set), MIB);
        seal_set_fini(&set);
        fake_bucket_delete(&s->bucket->fake, "set/a");
    }
    keyset_free(&k.old);
}

/* As stock Tink writes it. The room that is claimed is the least; what is read is all of it. */
static void an_object_that_names_no_key_claims_the_least_room_and_gets_what_it_needs(void **state)
{
    struct seal_fixture *s = *state;
    struct two_keys k;
    struct seal_set set = {.items = NULL};
    uint8_t *bytes CLEANUP(cleanup_free) = xmalloc(MIB);
    two_keys_make(&k, s);
    put_long_as(s, "set/a");
    json_object_clear(fake_bucket_find(&s->bucket->fake, "set/a")->metadata);
    uint64_t least = listed_bytes(s, &set);
    assert_true(least < MIB && least > MIB - MIB / 200);
    assert_int_equal(seal_fetch(&s->c, &set, s->directory, 1, &s->bucket->e), 0);
    long_bytes(bytes, 0, MIB);
    must_be_file(s, "a", view_of(bytes, MIB));
    seal_set_fini(&set);
    keyset_free(&k.old);
}

/* Anybody who can write to the bucket can set the hint: the file has its true length all the same. */
static void a_hint_that_names_another_key_changes_nothing_of_what_is_read(void **state)
{
    struct seal_fixture *s = *state;
    struct two_keys k;
    uint8_t *bytes CLEANUP(cleanup_free) = xmalloc(MIB);
    long_bytes(bytes, 0, MIB);
    two_keys_make(&k, s);
    for (size_t i = 0; i < 2; i++) {
        struct seal_set set = {.items = NULL};
        char id[16];
        k.both.primary = i;
        put_long_as(s, "set/a");
        snprintf(id, sizeof(id), "%u", k.keys[1 - i].id);
        json_object_set_new(fake_bucket_find(&s->bucket->fake, "set/a")->metadata, GCS_KEY_ID_HINT,
                            json_string(id));
        assert_true(listed_bytes(s, &set) != MIB);
        assert_int_equal(seal_fetch(&s->c, &set, s->directory, 1, &s->bucket->e), 0);
        must_be_file(s, "a", view_of(bytes, MIB));
        assert_int_equal(unlinkat(s->directory_fd, "a", 0), 0);
        fake_bucket_delete(&s->bucket->fake, "set/a");
        seal_set_fini(&set);
    }
    keyset_free(&k.old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SEAL_TEST(room_is_judged_by_the_key_that_an_object_was_encrypted_with),
        SEAL_TEST(an_object_that_names_no_key_claims_the_least_room_and_gets_what_it_needs),
        SEAL_TEST(a_hint_that_names_another_key_changes_nothing_of_what_is_read),
    };
    return cmocka_run_group_tests_name("set", tests, loopback_set_up, NULL);
}
