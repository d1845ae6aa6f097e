/* Cloud Storage: listing and reading a bucket in memory, and the replies that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "bucket_fixture.h"
#include "gcp/gcs_list.h"
#include "gcp/gcs_read.h"

#include "base/banned.h"

/* ---- listing ---- */
static int note_name(void *context, struct gcs_object *o, struct err *e)
{
    (void)e;
    strbuf_addf(context, "%s=%llu ", o->name, (unsigned long long)o->size);
    return 0;
}

static void a_listing_goes_over_all_pages_and_keeps_to_the_prefix(void **state)
{
    struct bucket_fixture *f = *state;
    struct strbuf names = STRBUF(4096);
    f->fake.page_size = 2;
    fake_bucket_put(&f->fake, "set/e", VIEW_LITERAL("12"));
    for (const char *const *name =
             (const char *const[]){"set/b", "set/a b", "other", "set/\xc3\xa9", "set/d", NULL};
         *name != NULL; name++)
        fake_bucket_put(&f->fake, *name, VIEW_LITERAL("1"));
    assert_int_equal(gcs_list(&f->b, "set/", note_name, &names, &f->e), 0);
    assert_string_equal(strbuf_text(&names), "set/a b=1 set/b=1 set/d=1 set/e=2 set/\xc3\xa9=1 ");
    strbuf_fini(&names);
}

static void name_something_else(struct exchange *x)
{
    char *at = strstr(x->reply.data, "set/a");
    assert_non_null(at);
    at[0] = 'x';
}

static void a_listing_with_a_name_outside_the_prefix_is_refused(void **state)
{
    struct bucket_fixture *f = *state;
    struct strbuf names = STRBUF(4096);
    fake_bucket_put(&f->fake, "set/a", VIEW_LITERAL("1"));
    f->fake.faults[0] =
        (struct fake_fault){.match = "prefix=", .times = ALWAYS, .after = name_something_else};
    give_up_soon(f);
    assert_int_equal(gcs_list(&f->b, "set/", note_name, &names, &f->e), -1);
    must_say(f, ERR_PROTOCOL, "gs://bucket/set/", "xet/a");
    assert_int_equal(names.len, 0);
    strbuf_fini(&names);
}

static void begin_again(struct exchange *x)
{
    strbuf_clear(&x->reply);
    strbuf_add_text(&x->reply, "{\"nextPageToken\":\"1\"}");
    x->status = 200;
}

static void a_listing_that_repeats_its_page_ends(void **state)
{
    struct bucket_fixture *f = *state;
    struct strbuf names = STRBUF(4096);
    f->fake.faults[0] = (struct fake_fault){.match = "prefix=", .times = ALWAYS, .after = begin_again};
    give_up_soon(f);
    assert_int_equal(gcs_list(&f->b, "", note_name, &names, &f->e), -1);
    must_say(f, ERR_PROTOCOL, "gs://bucket/", "does not end");
    strbuf_fini(&names);
}

static void metadata_of_another_object_is_refused(void **state)
{
    struct bucket_fixture *f = *state;
    struct gcs_object o;
    fake_bucket_put(&f->fake, "set/a", VIEW_LITERAL("1"));
    f->fake.faults[0] = (struct fake_fault){.match = "o/set", .times = ALWAYS, .after = name_something_else};
    give_up_soon(f);
    assert_int_equal(gcs_stat(&f->b, "set/a", &o, &f->e), -1);
    must_say(f, ERR_PROTOCOL, "gs://bucket/set/a", "another object, xet/a");
}

static void refusals_have_their_codes_and_name_the_object(void **state)
{
    struct bucket_fixture *f = *state;
    struct gcs_object o;
    assert_int_equal(gcs_stat(&f->b, "none", &o, &f->e), -1);
    must_say(f, ERR_NOT_FOUND, "gs://bucket/none", "answered 404");
    f->fake.faults[0] = (struct fake_fault){.match = "GET", .times = 1, .status = 403};
    assert_int_equal(gcs_stat(&f->b, "none", &o, &f->e), -1);
    assert_string_equal(f->e.object, "gs://bucket/none");
    must_say(f, ERR_DENIED, "gs://bucket/none", "answered 403");
    assert_int_equal(f->fake.requests, 2);
}

/* ---- reading ---- */
static void cut_at_three_mib(struct exchange *x)
{
    x->cut = 3 * MIB;
}

static void a_broken_download_resumes_where_it_broke(void **state)
{
    struct bucket_fixture *f = *state;
    size_t taken;
    put_long(f, "long");
    f->fake.faults[0] = (struct fake_fault){.match = "/download", .times = 2, .after = cut_at_three_mib};
    assert_int_equal(read_checked(f, "long", &taken), 0);
    assert_int_equal(taken, LONG_BYTES);
    assert_int_equal(f->fake.faults[0].hits, 2);
    assert_non_null(strstr(f->fake.last_headers, "Range: bytes=6291456-\r\n"));
}

static void replace_long(struct fake_bucket *b)
{
    if (b->faults[0].hits == 1)
        fake_bucket_put(b, "long", VIEW_LITERAL("another version"));
}

static void an_object_that_is_replaced_while_it_is_read_is_refused(void **state)
{
    struct bucket_fixture *f = *state;
    size_t taken;
    put_long(f, "long");
    f->fake.faults[0] = (struct fake_fault){
        .match = "/download", .times = 2, .before = replace_long, .after = cut_at_three_mib};
    assert_int_equal(read_checked(f, "long", &taken), -1);
    must_say(f, ERR_DATA_CHANGED, "gs://bucket/long", "answered 404");
}

static void cut_once_and_forget_the_range(struct exchange *x)
{
    uint8_t *bytes CLEANUP(cleanup_free) = xmalloc(LONG_BYTES);
    if (x->status == 200) {
        x->cut = 3 * MIB;
        return;
    }
    x->status = 200;
    long_bytes(bytes, 0, LONG_BYTES);
    strbuf_clear(&x->reply);
    strbuf_add(&x->reply, bytes, LONG_BYTES);
}

static void a_server_that_ignores_the_range_is_read_from_the_start(void **state)
{
    struct bucket_fixture *f = *state;
    size_t taken;
    put_long(f, "long");
    f->fake.faults[0] =
        (struct fake_fault){.match = "/download", .times = 2, .after = cut_once_and_forget_the_range};
    assert_int_equal(read_checked(f, "long", &taken), 0);
    assert_int_equal(f->fake.faults[0].hits, 2);
    assert_int_equal(taken, LONG_BYTES);
}

static void add_bytes(struct exchange *x)
{
    strbuf_add_text(&x->reply, "more");
}

static void more_bytes_than_the_object_has_are_refused(void **state)
{
    struct bucket_fixture *f = *state;
    size_t taken;
    fake_bucket_put(&f->fake, "short", view_of("\0\1\2", 3));
    f->fake.faults[0] = (struct fake_fault){.match = "/download", .times = ALWAYS, .after = add_bytes};
    give_up_soon(f);
    assert_int_equal(read_checked(f, "short", &taken), -1);
    must_say(f, ERR_PROTOCOL, "gs://bucket/short", "more bytes");
    assert_int_equal(taken, 0);
}

static void an_object_with_a_content_encoding_is_not_read(void **state)
{
    struct bucket_fixture *f = *state;
    size_t taken;
    fake_bucket_put(&f->fake, "zipped", VIEW_LITERAL("1"))->is_encoded = true;
    assert_int_equal(read_checked(f, "zipped", &taken), -1);
    must_say(f, ERR_DATA_ENCODED, "gs://bucket/zipped", "Content-Encoding");
    assert_int_equal(f->fake.requests, 1);
}

static int refuse(void *context, const void *bytes, size_t length, struct err *e)
{
    (void)context;
    (void)bytes;
    (void)length;
    return FAIL(e, ERR_UNAVAILABLE, "the sink is full");
}

static void an_error_of_the_sink_ends_the_download_at_once(void **state)
{
    struct bucket_fixture *f = *state;
    struct gcs_object o;
    fake_bucket_put(&f->fake, "a", VIEW_LITERAL("1"));
    assert_int_equal(gcs_stat(&f->b, "a", &o, &f->e), 0);
    assert_int_equal(gcs_read(&f->b, &o, (struct byte_sink){refuse, NULL}, &f->e), -1);
    must_say(f, ERR_UNAVAILABLE, "", "the sink is full");
    assert_int_equal(f->fake.requests, 2);
    gcs_object_fini(&o);
}

static void a_small_object_is_read_with_its_generation(void **state)
{
    struct bucket_fixture *f = *state;
    struct strbuf text = STRBUF(100);
    uint64_t generation;
    fake_bucket_put(&f->fake, "a/b?c", VIEW_LITERAL("first"));
    fake_bucket_put(&f->fake, "a/b?c", VIEW_LITERAL("second"));
    assert_int_equal(gcs_read_small(&f->b, "a/b?c", &text, &generation, &f->e), 0);
    assert_string_equal(strbuf_text(&text), "second");
    assert_int_equal(generation, 2);
    strbuf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BUCKET_TEST(a_listing_goes_over_all_pages_and_keeps_to_the_prefix),
        BUCKET_TEST(a_listing_with_a_name_outside_the_prefix_is_refused),
        BUCKET_TEST(a_listing_that_repeats_its_page_ends),
        BUCKET_TEST(metadata_of_another_object_is_refused),
        BUCKET_TEST(refusals_have_their_codes_and_name_the_object),
        BUCKET_TEST(a_broken_download_resumes_where_it_broke),
        BUCKET_TEST(an_object_that_is_replaced_while_it_is_read_is_refused),
        BUCKET_TEST(a_server_that_ignores_the_range_is_read_from_the_start),
        BUCKET_TEST(more_bytes_than_the_object_has_are_refused),
        BUCKET_TEST(an_object_with_a_content_encoding_is_not_read),
        BUCKET_TEST(an_error_of_the_sink_ends_the_download_at_once),
        BUCKET_TEST(a_small_object_is_read_with_its_generation),
    };
    return cmocka_run_group_tests_name("gcs", tests, loopback_set_up, NULL);
}
