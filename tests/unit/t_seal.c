/* Sealed objects in a bucket in memory: written and read back, and every way in which they are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "data/js.h"
#include "gcp/gcs_write.h"
#include "os/file.h"
#include "seal/object_read.h"
#include "seal/object_write.h"
#include "seal_fixture.h"

#include "base/banned.h"

#define AD_A "gs://bucket/set/a"
#define AD_B "gs://bucket/set/b"

static struct sealed put(struct seal_fixture *s, const char *name, const char *ad, const char *plain)
{
    struct sealed sealed;
    struct seal_target t = {.name = name, .associated_data = ad, .if_generation = GCS_ANY_GENERATION};
    assert_int_equal(seal_write_bytes(&s->c, &t, view_from(plain), &sealed, &s->bucket->e), 0);
    return sealed;
}

static int collect(void *context, const void *bytes, size_t length, struct err *e)
{
    (void)e;
    strbuf_add(context, bytes, length);
    return 0;
}

/* Reads an object under this name; pin may be NULL. */
static int get(struct seal_fixture *s, const char *name, const char *ad, const struct sealed *pin,
               struct strbuf *ret)
{
    struct seal_item item = {.associated_data = xstrdup(ad), .path = "a"};
    assert_int_equal(gcs_stat(&s->c.bucket, name, &item.object, &s->bucket->e), 0);
    if (pin != NULL) {
        item.key_id = pin->key_id;
        item.header = pin->header;
    }
    int result = seal_read(&s->c, &item, (struct byte_sink){collect, ret}, &s->bucket->e);
    seal_item_fini(&item);
    return result;
}

static void must_read(struct seal_fixture *s, const char *name, const char *ad, const char *plain)
{
    struct strbuf text = STRBUF(4096);
    assert_int_equal(get(s, name, ad, NULL, &text), 0);
    assert_string_equal(strbuf_text(&text), plain);
    strbuf_fini(&text);
}

/* Reading is refused with that code, names the object, and hands out nothing. */
static void must_refuse(struct seal_fixture *s, const char *name, const char *ad, enum err_code code,
                        const char *why)
{
    struct strbuf text = STRBUF(4096);
    char *uri CLEANUP(cleanup_free) = gcs_uri(FAKE_BUCKET_NAME, name);
    assert_int_equal(get(s, name, ad, NULL, &text), -1);
    assert_string_equal(s->bucket->e.object, uri);
    must_say(s->bucket, code, uri, why);
    assert_int_equal(text.len, 0);
    strbuf_fini(&text);
}

/* ---- reading ---- */
static void what_was_written_is_read_back(void **state)
{
    struct seal_fixture *s = *state;
    struct sealed sealed = put(s, "set/a", AD_A, "plain");
    struct fake_object *o = fake_bucket_find(&s->bucket->fake, "set/a");
    must_read(s, "set/a", AD_A, "plain");
    assert_null(memmem(o->bytes.data, o->bytes.len, "plain", 5));
    assert_int_equal(sealed.plain_bytes, 5);
    assert_int_equal(sealed.cipher_bytes, o->bytes.len);
    assert_memory_equal(sealed.header, o->bytes.data, sealed.header_bytes);
    assert_int_equal(js_int(o->metadata, GCS_KEY_ID_HINT, 0), s->keys.keys[0].id);
    assert_string_equal(js_text(o->metadata, GCS_NAME_HINT), AD_A);
    assert_int_equal(js_int(o->metadata, GCS_SIZE_HINT, 0), o->bytes.len);
    put(s, "set/empty", "x", "");
    must_read(s, "set/empty", "x", "");
}

static void a_tampered_object_is_refused(void **state)
{
    struct seal_fixture *s = *state;
    put(s, "set/a", AD_A, "plain");
    size_t length = fake_bucket_find(&s->bucket->fake, "set/a")->bytes.len;
    for (size_t at = 0; at < length; at += 13) {
        flip(fake_bucket_find(&s->bucket->fake, "set/a"), at);
        must_refuse(s, "set/a", AD_A, ERR_DATA_TAMPERED, "was changed after it was encrypted");
        flip(fake_bucket_find(&s->bucket->fake, "set/a"), at);
    }
    must_read(s, "set/a", AD_A, "plain");
}

static void a_truncated_object_is_refused(void **state)
{
    struct seal_fixture *s = *state;
    put(s, "set/a", AD_A, "plain");
    struct fake_object *o = fake_bucket_find(&s->bucket->fake, "set/a");
    o->bytes.len -= 1;
    must_refuse(s, "set/a", AD_A, ERR_DATA_TRUNCATED, "is truncated: it has 60 bytes");
    o->bytes.len = 10;
    must_refuse(s, "set/a", AD_A, ERR_DATA_TRUNCATED, "it has 10 bytes");
}

static void objects_that_change_places_are_refused(void **state)
{
    struct seal_fixture *s = *state;
    put(s, "set/a", AD_A, "plain");
    put(s, "set/b", AD_B, "other");
    struct fake_object *a = fake_bucket_find(&s->bucket->fake, "set/a"),
                       *b = fake_bucket_find(&s->bucket->fake, "set/b"), swap = *a;
    a->bytes = b->bytes;
    a->metadata = b->metadata;
    b->bytes = swap.bytes;
    b->metadata = swap.metadata;
    must_refuse(s, "set/a", AD_A, ERR_DATA_SWAPPED, "was encrypted as \"" AD_B "\", not as \"" AD_A "\"");
    must_refuse(s, "set/b", AD_B, ERR_DATA_SWAPPED, "was encrypted as \"" AD_A "\", not as \"" AD_B "\"");
}

static void an_object_of_another_key_is_refused_and_the_key_named(void **state)
{
    struct seal_fixture *s = *state;
    struct secret serialized CLEANUP(secret_free) = {.bytes = NULL};
    struct keyset others;
    char why[64];
    put(s, "set/a", AD_A, "plain");
    snprintf(why, sizeof(why), "with key %u, which is not in the keyset", s->keys.keys[0].id);
    keyset_generate(&others, &serialized);
    s->c.keys = &others;
    must_refuse(s, "set/a", AD_A, ERR_KEY_MISMATCH, why);
    keyset_free(&others);
}

/* Anybody who can write to the bucket sets them. */
static void hints_decide_nothing(void **state)
{
    struct seal_fixture *s = *state;
    put(s, "set/a", AD_A, "plain");
    struct fake_object *o = fake_bucket_find(&s->bucket->fake, "set/a");
    json_object_set_new(o->metadata, GCS_KEY_ID_HINT, json_string("7"));
    json_object_set_new(o->metadata, GCS_NAME_HINT, json_string("another"));
    json_object_set_new(o->metadata, GCS_SIZE_HINT, json_string("1"));
    must_read(s, "set/a", AD_A, "plain");
    json_object_clear(o->metadata);
    must_read(s, "set/a", AD_A, "plain");
    must_refuse(s, "set/a", AD_B, ERR_DATA_TAMPERED, "with another key or name");
}

static void an_older_version_is_not_what_was_pinned(void **state)
{
    struct seal_fixture *s = *state;
    struct strbuf text = STRBUF(4096);
    struct sealed old = put(s, "set/a", AD_A, "older"), now = put(s, "set/a", AD_A, "newer");
    assert_int_equal(get(s, "set/a", AD_A, &old, &text), -1);
    must_say(s->bucket, ERR_DATA_TAMPERED, AD_A, "was changed after it was encrypted");
    assert_int_equal(text.len, 0);
    assert_int_equal(get(s, "set/a", AD_A, &now, &text), 0);
    assert_string_equal(strbuf_text(&text), "newer");
    strbuf_fini(&text);
}

static void a_refusal_to_read_has_the_codes_of_data(void **state)
{
    struct seal_fixture *s = *state;
    struct fake_fault *fault = &s->bucket->fake.faults[0];
    put(s, "set/a", AD_A, "plain");
    *fault = (struct fake_fault){.match = "/download", .times = 1, .status = 403};
    must_refuse(s, "set/a", AD_A, ERR_DATA_ACCESS_DENIED, "answered 403");
    *fault = (struct fake_fault){.match = "/download", .times = 1, .status = 404};
    must_refuse(s, "set/a", AD_A, ERR_DATA_CHANGED, "answered 404");
}

static int refuse(void *context, const void *bytes, size_t length, struct err *e)
{
    (void)context;
    (void)bytes;
    (void)length;
    return FAIL(e, ERR_IO, "the sink is full");
}

static void an_error_of_the_sink_names_the_object(void **state)
{
    struct seal_fixture *s = *state;
    struct seal_item item = {.associated_data = xstrdup(AD_A)};
    put(s, "set/a", AD_A, "plain");
    assert_int_equal(gcs_stat(&s->c.bucket, "set/a", &item.object, &s->bucket->e), 0);
    assert_int_equal(seal_read(&s->c, &item, (struct byte_sink){refuse, NULL}, &s->bucket->e), -1);
    assert_string_equal(s->bucket->e.object, "gs://bucket/set/a");
    must_say(s->bucket, ERR_IO, "", "the sink is full");
    seal_item_fini(&item);
}

/* ---- writing ---- */
static int write_target(struct seal_fixture *s, int fd, uint64_t bytes)
{
    struct seal_target t = {.name = "set/long", .associated_data = "x"};
    struct sealed sealed;
    return seal_write_file(&s->c, &t, fd, bytes, &sealed, &s->bucket->e);
}

static int make_long_file(struct seal_fixture *s)
{
    uint8_t *bytes CLEANUP(cleanup_free) = xmalloc(LONG_BYTES);
    long_bytes(bytes, 0, LONG_BYTES);
    return make_file(s, "long", view_of(bytes, LONG_BYTES));
}

static void a_long_file_is_uploaded_again_when_its_session_is_lost(void **state)
{
    struct seal_fixture *s = *state;
    int fd CLEANUP(cleanup_fd) = make_long_file(s);
    struct seal_item item = {.associated_data = xstrdup("x")};
    size_t taken = 0;
    s->bucket->fake.faults[0] = (struct fake_fault){.match = "PUT", .times = 1, .status = 410};
    assert_int_equal(write_target(s, fd, LONG_BYTES), 0);
    assert_int_equal(s->bucket->fake.faults[0].hits, 1);
    assert_int_equal(gcs_stat(&s->c.bucket, "set/long", &item.object, &s->bucket->e), 0);
    assert_int_equal(seal_read(&s->c, &item, (struct byte_sink){check_long, &taken}, &s->bucket->e), 0);
    assert_int_equal(taken, LONG_BYTES);
    seal_item_fini(&item);
}

static int changing_fd;

static void append(struct fake_bucket *b)
{
    (void)b;
    assert_int_equal(pwrite(changing_fd, "more", 4, LONG_BYTES), 4);
}

static void cut_short(struct fake_bucket *b)
{
    (void)b;
    assert_int_equal(ftruncate(changing_fd, MIB), 0);
}

static void a_file_that_changes_while_it_is_read_is_refused(void **state)
{
    struct seal_fixture *s = *state;
    int fd CLEANUP(cleanup_fd) = make_long_file(s);
    changing_fd = fd;
    s->bucket->fake.faults[0] = (struct fake_fault){.match = "PUT", .times = 1, .before = append};
    assert_int_equal(write_target(s, fd, LONG_BYTES), -1);
    must_say(s->bucket, ERR_OUTPUT_CHANGED, "", "was written to while it was read");
    fake_bucket_delete(&s->bucket->fake, "set/long");
    s->bucket->fake.faults[0] = (struct fake_fault){.match = "PUT", .times = 1, .before = cut_short};
    assert_int_equal(write_target(s, fd, LONG_BYTES), -1);
    must_say(s->bucket, ERR_OUTPUT_CHANGED, "", "was truncated while it was read");
    assert_null(fake_bucket_find(&s->bucket->fake, "set/long"));
}

static void a_refusal_to_write_has_the_codes_of_output(void **state)
{
    struct seal_fixture *s = *state;
    struct seal_target t = {.name = "set/a", .associated_data = AD_A};
    struct sealed sealed;
    static const int STATUSES[] = {403, 404};
    for (size_t i = 0; i < ARRAY_LEN(STATUSES); i++) {
        s->bucket->fake.faults[0] = (struct fake_fault){.match = "POST", .times = 1, .status = STATUSES[i]};
        assert_int_equal(seal_write_bytes(&s->c, &t, VIEW_LITERAL("x"), &sealed, &s->bucket->e), -1);
        must_say(s->bucket, ERR_OUTPUT_DENIED, AD_A, "answered 40");
    }
    put(s, "set/a", AD_A, "there already");
    assert_int_equal(seal_write_bytes(&s->c, &t, VIEW_LITERAL("x"), &sealed, &s->bucket->e), -1);
    must_say(s->bucket, ERR_CONFLICT, AD_A, "another version");
    must_read(s, "set/a", AD_A, "there already");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SEAL_TEST(what_was_written_is_read_back),
        SEAL_TEST(a_tampered_object_is_refused),
        SEAL_TEST(a_truncated_object_is_refused),
        SEAL_TEST(objects_that_change_places_are_refused),
        SEAL_TEST(an_object_of_another_key_is_refused_and_the_key_named),
        SEAL_TEST(hints_decide_nothing),
        SEAL_TEST(an_older_version_is_not_what_was_pinned),
        SEAL_TEST(a_refusal_to_read_has_the_codes_of_data),
        SEAL_TEST(an_error_of_the_sink_names_the_object),
        SEAL_TEST(a_long_file_is_uploaded_again_when_its_session_is_lost),
        SEAL_TEST(a_file_that_changes_while_it_is_read_is_refused),
        SEAL_TEST(a_refusal_to_write_has_the_codes_of_output),
    };
    return cmocka_run_group_tests_name("seal", tests, loopback_set_up, NULL);
}
