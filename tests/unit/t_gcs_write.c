/* Cloud Storage: writing to a bucket in memory, small and in chunks, and the replies that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "bucket_fixture.h"
#include "gcp/gcs_upload.h"

#include "base/banned.h"

enum { CHUNK = 4 * MIB };

/* ---- small objects ---- */
static int write_small(struct bucket_fixture *f, const char *bytes, uint64_t if_generation,
                       uint64_t *ret_generation)
{
    struct gcs_metadata hint = {GCS_KEY_ID_HINT, "42"};
    struct gcs_write w = {
        .name = "a b", .if_generation = if_generation, .metadata = &hint, .metadata_count = 1};
    return gcs_write_small(&f->b, &w, view_from(bytes), ret_generation, &f->e);
}

static void must_hold(struct bucket_fixture *f, const char *bytes)
{
    assert_string_equal(strbuf_text(&fake_bucket_find(&f->fake, "a b")->bytes), bytes);
}

static void a_write_holds_to_its_precondition(void **state)
{
    struct bucket_fixture *f = *state;
    struct gcs_object o;
    uint64_t generation = 0;
    assert_int_equal(write_small(f, "one", 0, &generation), 0);
    assert_int_equal(generation, 1);
    assert_int_equal(write_small(f, "two", 0, &generation), -1);
    must_say(f, ERR_CONFLICT, "gs://bucket/a b", "another version");
    assert_int_equal(generation, 1);
    assert_int_equal(write_small(f, "two", 1, &generation), 0);
    assert_int_equal(write_small(f, "three", 1, NULL), -1);
    must_say(f, ERR_CONFLICT, "gs://bucket/a b", "another version");
    must_hold(f, "two");
    assert_int_equal(write_small(f, "four", GCS_ANY_GENERATION, NULL), 0);
    must_hold(f, "four");
    assert_int_equal(gcs_stat(&f->b, "a b", &o, &f->e), 0);
    assert_int_equal(o.key_id, 42);
    gcs_object_fini(&o);
}

static void lose(struct exchange *x)
{
    x->is_lost = true;
}

static void a_write_whose_reply_was_lost_counts(void **state)
{
    struct bucket_fixture *f = *state;
    uint64_t generation = 0;
    f->fake.faults[0] = (struct fake_fault){.match = "POST", .times = 1, .after = lose};
    assert_int_equal(write_small(f, "one", 0, &generation), 0);
    assert_int_equal(generation, 1);
    assert_int_equal(f->fake.requests, 3); /* written, refused, looked at */
}

static void be_first(struct fake_bucket *b)
{
    fake_bucket_put(b, "a b", VIEW_LITERAL("eno"));
}

static void a_write_that_lost_a_race_is_a_conflict_although_its_size_is_the_same(void **state)
{
    struct bucket_fixture *f = *state;
    f->fake.faults[0] = (struct fake_fault){.match = "POST", .times = 1, .before = be_first, .after = lose};
    assert_int_equal(write_small(f, "one", 0, NULL), -1);
    must_say(f, ERR_CONFLICT, "gs://bucket/a b", "another version");
    must_hold(f, "eno");
}

static void add_long_page(struct exchange *x)
{
    for (int i = 0; i < 100 * 1024; i++)
        strbuf_add_char(&x->reply, 'e');
}

static void a_refusal_is_read_by_its_status_however_long_its_page_is(void **state)
{
    struct bucket_fixture *f = *state;
    f->fake.faults[0] =
        (struct fake_fault){.match = "POST", .times = 1, .status = 503, .after = add_long_page};
    assert_int_equal(write_small(f, "one", 0, NULL), 0);
    f->fake.faults[1] =
        (struct fake_fault){.match = "POST", .times = 1, .status = 403, .after = add_long_page};
    assert_int_equal(write_small(f, "two", 1, NULL), -1);
    must_say(f, ERR_DENIED, "gs://bucket/a b", "answered 403");
}

static void a_reply_that_should_be_read_and_is_too_long_is_an_error(void **state)
{
    struct bucket_fixture *f = *state;
    struct gcs_object o;
    fake_bucket_put(&f->fake, "a b", VIEW_LITERAL("one"));
    f->fake.faults[0] = (struct fake_fault){.match = "GET", .times = ALWAYS, .after = add_long_page};
    give_up_soon(f);
    assert_int_equal(gcs_stat(&f->b, "a b", &o, &f->e), -1);
    must_say(f, ERR_PROTOCOL, "gs://bucket/a b", "larger than 65536 bytes");
}

static void corrupt_sum(struct exchange *x)
{
    char *at = strstr(x->reply.data, "\"crc32c\":\"");
    assert_non_null(at);
    at += strlen("\"crc32c\":\"");
    *at = *at == 'A' ? 'B' : 'A';
}

static void a_write_that_the_server_stored_differently_is_an_error(void **state)
{
    struct bucket_fixture *f = *state;
    uint64_t generation = 77;
    f->fake.faults[0] = (struct fake_fault){.match = "/o", .times = ALWAYS, .after = corrupt_sum};
    assert_int_equal(write_small(f, "one", 0, &generation), -1);
    must_say(f, ERR_PROTOCOL, "gs://bucket/a b", "corrupted in transit");
    assert_int_equal(generation, 77);
}

static void a_write_counts_when_only_its_reply_is_wrong(void **state)
{
    struct bucket_fixture *f = *state;
    uint64_t generation = 77;
    f->fake.faults[0] = (struct fake_fault){.match = "POST", .times = 1, .after = corrupt_sum};
    assert_int_equal(write_small(f, "one", 0, &generation), 0);
    assert_int_equal(generation, 1);
}

/* ---- resumable uploads ---- */
static int produce_long(void *context, void *out, size_t length, struct err *e)
{
    size_t *made = context;
    (void)e;
    long_bytes(out, *made, length);
    *made += length;
    return 0;
}

static int upload_bytes(struct bucket_fixture *f, size_t size)
{
    size_t made = 0;
    struct gcs_write w = {.name = "long"};
    struct gcs_content content = {.size = size, .produce = produce_long, .context = &made};
    int result = gcs_upload(&f->b, &w, &content, &f->e);
    assert_true(made <= size); /* each byte is made once */
    return result;
}

static int upload(struct bucket_fixture *f)
{
    return upload_bytes(f, LONG_BYTES);
}

static void must_be_whole(struct bucket_fixture *f)
{
    size_t taken;
    assert_int_equal(read_checked(f, "long", &taken), 0);
    assert_int_equal(taken, LONG_BYTES);
}

static void a_large_object_is_uploaded_in_chunks(void **state)
{
    struct bucket_fixture *f = *state;
    assert_int_equal(upload(f), 0);
    assert_int_equal(f->fake.requests, 1 + 3);
    must_be_whole(f);
    assert_int_equal(upload(f), 0); /* the same bytes: they count as ours */
}

static void an_upload_goes_on_from_what_the_server_has(void **state)
{
    struct bucket_fixture *f = *state;
    f->fake.upload_takes = 1000;
    assert_int_equal(upload(f), 0);
    must_be_whole(f);
}

static void an_upload_asks_for_its_state_after_a_lost_reply(void **state)
{
    struct bucket_fixture *f = *state;
    f->fake.faults[0] = (struct fake_fault){.match = "PUT", .times = 1, .after = lose};
    assert_int_equal(upload(f), 0);
    assert_int_equal(f->fake.faults[0].hits, 1);
    must_be_whole(f);
}

static void an_upload_whose_last_reply_was_lost_counts(void **state)
{
    struct bucket_fixture *f = *state;
    f->fake.faults[0] = (struct fake_fault){.match = "PUT", .times = 1, .after = lose};
    assert_int_equal(upload_bytes(f, CHUNK), 0);
    assert_int_equal(fake_bucket_find(&f->fake, "long")->bytes.len, CHUNK);
    assert_int_equal(fake_bucket_find(&f->fake, "long")->generation, 1);
}

static void an_upload_whose_session_is_lost_is_gone(void **state)
{
    struct bucket_fixture *f = *state;
    f->fake.faults[0] = (struct fake_fault){.match = "PUT", .times = 1, .status = 404};
    assert_int_equal(upload(f), -1);
    must_say(f, ERR_GONE, "gs://bucket/long", "answered 404");
    assert_null(fake_bucket_find(&f->fake, "long"));
}

static void be_first_with_long(struct fake_bucket *b)
{
    fake_bucket_put(b, "long", VIEW_LITERAL("another"));
}

static void an_upload_that_lost_a_race_is_a_conflict(void **state)
{
    struct bucket_fixture *f = *state;
    f->fake.faults[0] = (struct fake_fault){.match = "PUT", .times = 1, .before = be_first_with_long};
    assert_int_equal(upload(f), -1);
    must_say(f, ERR_CONFLICT, "gs://bucket/long", "another version");
}

static void claim_too_much(struct exchange *x)
{
    x->status = 308;
    strbuf_clear(&x->reply_headers);
    strbuf_add_text(&x->reply_headers, "Range: bytes=0-8000000\r\n");
}

static void an_upload_that_has_more_than_was_sent_is_refused(void **state)
{
    struct bucket_fixture *f = *state;
    f->fake.faults[0] = (struct fake_fault){.match = "PUT", .times = ALWAYS, .after = claim_too_much};
    give_up_soon(f);
    assert_int_equal(upload(f), -1);
    must_say(f, ERR_PROTOCOL, "gs://bucket/long", "claims \"bytes=0-8000000\"");
}

static void a_session_at_another_host_gets_no_token(void **state)
{
    struct bucket_fixture *f = *state;
    struct fake_bucket other = {.faults = {{.match = "PUT", .times = 1, .status = 400}}};
    fake_bucket_start(&other);
    f->fake.session_url = loopback_url(other.server);
    assert_int_equal(upload(f), -1);
    must_say(f, ERR_INVALID, "gs://bucket/long", "/session answered 400");
    assert_non_null(strstr(f->fake.last_headers, "Authorization: Bearer loopback"));
    assert_int_equal(other.requests, 1);
    assert_null(strstr(other.last_headers, "Authorization"));
    fake_bucket_stop(&other);
}

/* Whoever has it can write the object. */
static void no_error_shows_the_query_of_a_session(void **state)
{
    struct bucket_fixture *f = *state;
    f->fake.config.retry.total_ms = 1;
    f->fake.faults[0] = (struct fake_fault){.match = "PUT", .times = 1, .after = lose};
    assert_int_equal(upload(f), -1);
    char *message CLEANUP(cleanup_free) = err_text(&f->e);
    assert_null(strstr(message, "upload_id"));
    must_say(f, ERR_UNAVAILABLE, "gs://bucket/long", "/session");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BUCKET_TEST(a_write_holds_to_its_precondition),
        BUCKET_TEST(a_write_whose_reply_was_lost_counts),
        BUCKET_TEST(a_write_that_lost_a_race_is_a_conflict_although_its_size_is_the_same),
        BUCKET_TEST(a_refusal_is_read_by_its_status_however_long_its_page_is),
        BUCKET_TEST(a_reply_that_should_be_read_and_is_too_long_is_an_error),
        BUCKET_TEST(a_write_that_the_server_stored_differently_is_an_error),
        BUCKET_TEST(a_write_counts_when_only_its_reply_is_wrong),
        BUCKET_TEST(a_large_object_is_uploaded_in_chunks),
        BUCKET_TEST(an_upload_goes_on_from_what_the_server_has),
        BUCKET_TEST(an_upload_asks_for_its_state_after_a_lost_reply),
        BUCKET_TEST(an_upload_whose_last_reply_was_lost_counts),
        BUCKET_TEST(an_upload_whose_session_is_lost_is_gone),
        BUCKET_TEST(an_upload_that_lost_a_race_is_a_conflict),
        BUCKET_TEST(an_upload_that_has_more_than_was_sent_is_refused),
        BUCKET_TEST(a_session_at_another_host_gets_no_token),
        BUCKET_TEST(no_error_shows_the_query_of_a_session),
    };
    return cmocka_run_group_tests_name("gcs_write", tests, loopback_set_up, NULL);
}
