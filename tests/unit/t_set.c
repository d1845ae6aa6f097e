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
#include "gcp/gcs_write.h"
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
    assert_int_equal(seal_set_list(&s->c, "Fixed:set/a", NULL, ret, &s->bucket->e), 0);
    assert_int_equal(ret->count, 1);
    return ret->footprint.content_bytes;
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

/* ---- sets of many objects ---- */
static void list_six(struct seal_fixture *s, uint64_t volume_bytes, struct seal_set *ret)
{
    struct footprint_room room = {.volume_bytes = volume_bytes, .record_bytes = 1 << 20};
    struct sealed sealed;
    char name[] = "set/0/x";
    for (; name[4] < '6'; name[4]++) {
        struct seal_target t = {.name = name, .associated_data = name, .if_generation = GCS_ANY_GENERATION};
        struct view plain = view_of("longest", name[4] == '2' ? 7 : 4);
        assert_int_equal(seal_write_bytes(&s->c, &t, plain, &sealed, &s->bucket->e), 0);
    }
    s->bucket->fake.page_size = 4;
    assert_int_equal(seal_set_list(&s->c, "Object", &room, ret, &s->bucket->e), 0);
    assert_int_equal(ret->footprint.files, 6);
    assert_int_equal(ret->footprint.content_bytes, 5 * 4 + 7);
    assert_int_equal(ret->footprint.page_bytes, 6 * 4096);
    assert_string_equal(ret->largest, "gs://bucket/set/2/x");
    assert_int_equal(ret->largest_bytes, 7);
}

static void a_set_that_has_room_keeps_every_object(void **state)
{
    struct seal_set set;
    list_six(*state, 6 * 4096, &set);
    assert_int_equal(set.count, 6);
    assert_string_equal(set.items[5].path, "5/x");
    seal_set_fini(&set);
}

/* Else the listing alone could take more memory than there is. */
static void a_set_without_room_is_counted_to_the_last_object_and_keeps_none(void **state)
{
    struct seal_set set;
    list_six(*state, 6 * 4096 - 1, &set);
    seal_set_fini(&set);
    list_six(*state, 5 * 4096, &set);
    assert_int_equal(set.count, 0);
    assert_null(set.items);
    seal_set_fini(&set);
    list_six(*state, 0, &set);
    assert_int_equal(set.count, 0);
    seal_set_fini(&set);
}

/* The hint about the name is kept only where it says something. */
static void an_item_keeps_nothing_that_its_name_says(void **state)
{
    struct seal_fixture *s = *state;
    struct seal_set set;
    struct sealed sealed;
    struct seal_target t = {.name = "set/a", .associated_data = "gs://bucket/set/a"};
    assert_int_equal(seal_write_bytes(&s->c, &t, VIEW_LITERAL("x"), &sealed, &s->bucket->e), 0);
    t = (struct seal_target){.name = "set/b", .associated_data = "gs://bucket/set/c"};
    assert_int_equal(seal_write_bytes(&s->c, &t, VIEW_LITERAL("x"), &sealed, &s->bucket->e), 0);
    assert_int_equal(seal_set_list(&s->c, "Object", NULL, &set, &s->bucket->e), 0);
    assert_null(set.items[0].object.sealed_name);
    assert_null(set.items[0].associated_data);
    assert_ptr_equal(set.items[0].path, set.items[0].object.name + strlen("set/"));
    assert_string_equal(set.items[1].object.sealed_name, "gs://bucket/set/c");
    seal_set_fini(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SEAL_TEST(room_is_judged_by_the_key_that_an_object_was_encrypted_with),
        SEAL_TEST(an_object_that_names_no_key_claims_the_least_room_and_gets_what_it_needs),
        SEAL_TEST(a_hint_that_names_another_key_changes_nothing_of_what_is_read),
        SEAL_TEST(a_set_that_has_room_keeps_every_object),
        SEAL_TEST(a_set_without_room_is_counted_to_the_last_object_and_keeps_none),
        SEAL_TEST(an_item_keeps_nothing_that_its_name_says),
    };
    return cmocka_run_group_tests_name("set", tests, loopback_set_up, NULL);
}
