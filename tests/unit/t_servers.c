/* Servers as they are: what each fault that was seen must lead to, and what must go on working beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agentapi/failures.h"
#include "base/alloc.h"
#include "bucket_fixture.h"
#include "gcp/gcs_list.h"
#include "gcp/gcs_upload.h"
#include "os/log.h"
#include "seal_fixture.h"
#include "seal/object_write.h"

#include "base/banned.h"

enum { KIB = 1024, REQUESTS_MAX = 60 };

/* ---- the table ---- */
static void what_was_decided_stands_in_the_table(void **state)
{
    static const struct {
        unsigned kinds;
        int event;
        enum reply_action action;
        enum err_code code;
    } DECIDED[] = {
        {REPLY_ANY & ~REPLY_TOKENS, 503, REPLY_AGAIN, ERR_UNAVAILABLE},
        {REPLY_ANY & ~REPLY_TOKENS, 429, REPLY_AGAIN, ERR_THROTTLED},
        {REPLY_ANY & ~REPLY_TOKENS, 401, REPLY_AGAIN, ERR_UNAUTHENTICATED},
        {REPLY_ANY, 302, REPLY_AGAIN, ERR_PROTOCOL},
        {REPLY_MEDIA | REPLY_LIST | REPLY_STAT | REPLY_KMS, 204, REPLY_AGAIN, ERR_PROTOCOL},
        {REPLY_CREATED, 204, REPLY_LOOK_UP, ERR_PROTOCOL},
        {REPLY_CREATED, REPLY_CUT, REPLY_LOOK_UP, ERR_NONE},
        {REPLY_CREATED, REPLY_NOT_JSON, REPLY_LOOK_UP, ERR_PROTOCOL},
        {REPLY_CREATED, REPLY_NO_CHECKSUM, REPLY_LOOK_UP, ERR_PROTOCOL},
        {REPLY_READ, 200, REPLY_ACCEPT, ERR_NONE},
        {REPLY_READ, REPLY_ELSEWHERE, REPLY_AGAIN, ERR_PROTOCOL},
        {REPLY_MEDIA, REPLY_ENCODED, REPLY_AGAIN, ERR_PROTOCOL},
        {REPLY_MEDIA, REPLY_STORED_ENCODED, REPLY_FINAL, ERR_DATA_ENCODED},
        {REPLY_LIST, REPLY_INCOMPLETE, REPLY_AGAIN, ERR_PROTOCOL},
        {REPLY_KMS, REPLY_DAMAGED, REPLY_AGAIN, ERR_PROTOCOL},
        {REPLY_CHUNK, REPLY_NO_PROGRESS, REPLY_AGAIN, ERR_UNAVAILABLE},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(DECIDED); i++)
        for (unsigned kind = 1; kind < REPLY_ANY; kind <<= 1) {
            if ((DECIDED[i].kinds & kind) == 0)
                continue;
            struct reply_rule rule = reply_rule((enum reply_kind)kind, DECIDED[i].event);
            assert_int_equal(rule.action, DECIDED[i].action);
            assert_int_equal(rule.code, DECIDED[i].code);
        }
}

static void what_is_tried_again_is_a_failure_of_the_network(void **state)
{
    static const enum err_code CODES[] = {ERR_UNAVAILABLE, ERR_TIMED_OUT,       ERR_PROTOCOL,
                                          ERR_THROTTLED,   ERR_UNAUTHENTICATED, ERR_METADATA_UNAVAILABLE};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CODES); i++) {
        assert_int_equal(failure_of_code(CODES[i])->failure_class, CLASS_Network);
        assert_int_equal(failure_of_code(CODES[i])->retry, RETRY_LATER);
    }
    assert_int_equal(failure_of_code(ERR_DATA_ENCODED)->failure_class, CLASS_Data);
    assert_int_equal(failure_of_code(ERR_DATA_ENCODED)->retry, RETRY_NEVER);
}

/* ---- upload sessions ---- */
static int produce(void *context, void *out, size_t length, struct err *e)
{
    size_t *made = context;
    (void)e;
    long_bytes(out, *made, length);
    *made += length;
    return 0;
}

static int upload(struct bucket_fixture *f, size_t size)
{
    size_t made = 0;
    struct gcs_write w = {.name = "long"};
    struct gcs_content content = {.size = size, .produce = produce, .context = &made};
    return gcs_upload(&f->b, &w, &content, &f->e);
}

static void say_nothing_is_there(struct exchange *x)
{
    x->status = 308;
    strbuf_clear(&x->reply_headers);
}

static void a_session_without_progress_ends(void **state)
{
    struct bucket_fixture *f = *state;
    f->fake.faults[0] = (struct fake_fault){.match = "PUT", .times = ALWAYS, .after = say_nothing_is_there};
    give_up_soon(f);
    assert_int_equal(upload(f, MIB), -1);
    must_say(f, ERR_UNAVAILABLE, "gs://bucket/long", "does not take more than 0 bytes of 1048576");
    assert_in_range(f->fake.requests, 3, REQUESTS_MAX);
}

/* A megabyte is there, and then it is not. */
static void go_back_and_forth(struct exchange *x)
{
    bool has_more = exchange_header(x, "Content-Range").len > 0 && x->body.len > 0;
    say_nothing_is_there(x);
    if (has_more && x->body.len > 3 * MIB + MIB / 2)
        strbuf_add_text(&x->reply_headers, "Range: bytes=0-1048575\r\n");
}

static void a_session_that_goes_back_and_forth_ends(void **state)
{
    struct bucket_fixture *f = *state;
    f->fake.faults[0] = (struct fake_fault){.match = "PUT", .times = ALWAYS, .after = go_back_and_forth};
    give_up_soon(f);
    assert_int_equal(upload(f, LONG_BYTES), -1);
    assert_int_equal(f->e.code, ERR_UNAVAILABLE);
    assert_in_range(f->fake.requests, 3, REQUESTS_MAX);
}

static void take_a_kilobyte(struct fake_bucket *b)
{
    b->upload_takes = KIB;
}

static void a_session_that_takes_next_to_nothing_ends(void **state)
{
    struct bucket_fixture *f = *state;
    f->fake.faults[0] = (struct fake_fault){.match = "PUT", .times = ALWAYS, .before = take_a_kilobyte};
    give_up_soon(f);
    assert_int_equal(upload(f, LONG_BYTES), -1);
    assert_int_equal(f->e.code, ERR_UNAVAILABLE);
    assert_in_range(f->fake.requests, 3, REQUESTS_MAX);
}

static void take_a_quarter(struct fake_bucket *b)
{
    b->upload_takes = 256 * KIB;
}

static void a_session_that_takes_its_time_is_waited_for(void **state)
{
    struct bucket_fixture *f = *state;
    f->fake.faults[0] = (struct fake_fault){.match = "PUT", .times = ALWAYS, .before = take_a_quarter};
    give_up_soon(f);
    assert_int_equal(upload(f, MIB + 1), 0);
    assert_int_equal(f->fake.faults[0].hits, 5);
}

/* Nothing lies between the tries but a pause, so the server must not be blamed for being gone. */
static void a_session_that_is_always_lost_is_an_outage(void **state)
{
    struct seal_fixture *s = *state;
    struct fake_bucket *fake = &s->bucket->fake;
    uint8_t *bytes CLEANUP(cleanup_free) = xcalloc(1, 2 * MIB);
    struct seal_target target = {.name = "set/a", .associated_data = "a"};
    struct sealed sealed;
    fake->faults[0] = (struct fake_fault){.match = "PUT", .times = ALWAYS, .status = 410};
    assert_int_equal(
        seal_write_bytes(&s->c, &target, view_of(bytes, (size_t)2 * MIB), &sealed, &s->bucket->e), -1);
    must_say(s->bucket, ERR_UNAVAILABLE, "gs://bucket/set/a", "answered 410");
    assert_int_equal(fake->faults[0].hits, 5);
    fake->faults[0].times = fake->faults[0].hits + 4;
    assert_int_equal(
        seal_write_bytes(&s->c, &target, view_of(bytes, (size_t)2 * MIB), &sealed, &s->bucket->e), 0);
}

/* ---- writes of which the reply says too little ---- */
static int write_small(struct bucket_fixture *f, const char *bytes, uint64_t if_generation)
{
    struct gcs_metadata hint = {GCS_KEY_ID_HINT, "42"};
    struct gcs_write w = {
        .name = "a", .if_generation = if_generation, .metadata = &hint, .metadata_count = 1};
    return gcs_write_small(&f->b, &w, view_from(bytes), NULL, &f->e);
}

static void hide_checksum(struct exchange *x)
{
    char *at = x->reply.len > 0 ? strstr(x->reply.data, "\"crc32c\"") : NULL;
    if (at != NULL)
        at[1] = 'C';
}

static void without_any_checksum_the_object_is_read_back(void **state)
{
    struct bucket_fixture *f = *state;
    f->fake.faults[0] = (struct fake_fault){.match = "/o", .times = ALWAYS, .after = hide_checksum};
    assert_int_equal(write_small(f, "one", 0), 0);
    assert_int_equal(f->fake.requests, 3); /* written, looked up, read */
}

static void spoil(struct fake_bucket *b)
{
    struct fake_object *o = fake_bucket_find(b, "a");
    if (o != NULL)
        o->bytes.data[0] ^= 1;
}

static void without_any_checksum_damage_is_noticed_all_the_same(void **state)
{
    struct bucket_fixture *f = *state;
    f->fake.faults[0] =
        (struct fake_fault){.match = "GET /storage", .times = 1, .before = spoil, .after = hide_checksum};
    f->fake.faults[1] = (struct fake_fault){.match = "/o", .times = ALWAYS, .after = hide_checksum};
    assert_int_equal(write_small(f, "one", 0), -1);
    must_say(f, ERR_PROTOCOL, "gs://bucket/a", "corrupted in transit");
}

static void say_nothing(struct exchange *x)
{
    strbuf_clear(&x->reply);
}

static void overtake(struct fake_bucket *b)
{
    fake_bucket_put(b, "a", VIEW_LITERAL("eno"));
}

static void an_empty_reply_does_not_hide_that_another_was_faster(void **state)
{
    struct bucket_fixture *f = *state;
    f->fake.faults[0] = (struct fake_fault){.match = "POST", .times = 1, .after = say_nothing};
    f->fake.faults[1] = (struct fake_fault){.match = "GET", .times = 1, .before = overtake};
    assert_int_equal(write_small(f, "one", 0), -1);
    must_say(f, ERR_CONFLICT, "gs://bucket/a", "another version");
}

static void equal_bytes_with_other_metadata_are_not_ours(void **state)
{
    struct bucket_fixture *f = *state;
    fake_bucket_put(&f->fake, "a", VIEW_LITERAL("one"));
    assert_int_equal(write_small(f, "one", 0), -1);
    must_say(f, ERR_CONFLICT, "gs://bucket/a", "another version");
}

/* The version that was to be replaced is still there, so nothing was written, whatever the reply says. */
static void a_success_that_did_nothing_is_tried_again(void **state)
{
    struct bucket_fixture *f = *state;
    fake_bucket_put(&f->fake, "a", VIEW_LITERAL("old"));
    f->fake.faults[0] = (struct fake_fault){.match = "POST", .times = 1, .status = 200};
    assert_int_equal(write_small(f, "one", 1), 0);
    assert_string_equal(strbuf_text(&fake_bucket_find(&f->fake, "a")->bytes), "one");
}

/* ---- refusals ---- */
static void a_storm_of_401_is_outlasted_as_one_of_503_is(void **state)
{
    struct bucket_fixture *f = *state;
    struct gcs_object o;
    int statuses[] = {401, 503, 429};
    fake_bucket_put(&f->fake, "a", VIEW_LITERAL("1"));
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        f->fake.faults[0] = (struct fake_fault){.match = "GET", .times = 8, .status = statuses[i]};
        assert_int_equal(gcs_stat(&f->b, "a", &o, &f->e), 0);
        assert_int_equal(f->fake.faults[0].hits, 8);
        gcs_object_fini(&o);
    }
}

static void ask_for_an_hour(struct exchange *x)
{
    strbuf_add_text(&x->reply_headers, "Retry-After: 3600\r\n");
}

static void a_server_that_asks_for_more_time_than_there_is_gets_what_there_is(void **state)
{
    struct bucket_fixture *f = *state;
    struct gcs_object o;
    fake_bucket_put(&f->fake, "a", VIEW_LITERAL("1"));
    f->fake.faults[0] =
        (struct fake_fault){.match = "GET", .times = 1, .status = 503, .after = ask_for_an_hour};
    f->fake.config.retry.total_ms = 1000;
    assert_int_equal(gcs_stat(&f->b, "a", &o, &f->e), 0);
    gcs_object_fini(&o);
    f->fake.faults[0] =
        (struct fake_fault){.match = "GET", .times = ALWAYS, .status = 503, .after = ask_for_an_hour};
    assert_int_equal(gcs_stat(&f->b, "a", &o, &f->e), -1);
    assert_int_equal(f->fake.faults[0].hits, 2);
}

static void what_is_no_reply_says_what_it_is(void **state)
{
    struct bucket_fixture *f = *state;
    struct gcs_object o;
    give_up_soon(f);
    f->fake.faults[0] = (struct fake_fault){.match = "GET", .times = ALWAYS, .status = 302};
    assert_int_equal(gcs_stat(&f->b, "a", &o, &f->e), -1);
    must_say(f, ERR_PROTOCOL, "gs://bucket/a", "answered 302 (redirects are not followed)");
    f->fake.faults[0].status = 204;
    assert_int_equal(gcs_stat(&f->b, "a", &o, &f->e), -1);
    must_say(f, ERR_PROTOCOL, "gs://bucket/a", "answered 204 (not a reply to this request)");
}

/* ---- listings ---- */
static void say_empty_page(struct exchange *x)
{
    static unsigned pages;
    x->status = 200;
    strbuf_clear(&x->reply);
    strbuf_addf(&x->reply, "{\"nextPageToken\":\"%u0000000\"}", ++pages);
}

static int count(void *context, struct gcs_object *o, struct err *e)
{
    int *n = context;
    (void)o;
    (void)e;
    (*n)++;
    return 0;
}

static void a_listing_of_empty_pages_ends(void **state)
{
    struct bucket_fixture *f = *state;
    int n = 0;
    f->fake.faults[0] = (struct fake_fault){.match = "prefix=", .times = ALWAYS, .after = say_empty_page};
    give_up_soon(f);
    assert_int_equal(gcs_list(&f->b, "", count, &n, &f->e), -1);
    must_say(f, ERR_UNAVAILABLE, "gs://bucket/", "empty pages");
    assert_in_range(f->fake.requests, 2, REQUESTS_MAX);
}

static void say_empty_page_before_the_first(struct exchange *x)
{
    strbuf_clear(&x->reply);
    strbuf_add_text(&x->reply, "{\"nextPageToken\":\"0\"}");
}

static void an_empty_page_is_legal(void **state)
{
    struct bucket_fixture *f = *state;
    int n = 0;
    fake_bucket_put(&f->fake, "a", VIEW_LITERAL("1"));
    f->fake.faults[0] =
        (struct fake_fault){.match = "prefix=", .times = 1, .after = say_empty_page_before_the_first};
    assert_int_equal(gcs_list(&f->b, "", count, &n, &f->e), 0);
    assert_int_equal(n, 1);
}

static int set_up(void **state)
{
    log_set_level(LOG_LEVEL_ERROR);
    return loopback_set_up(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_decided_stands_in_the_table),
        cmocka_unit_test(what_is_tried_again_is_a_failure_of_the_network),
        BUCKET_TEST(a_session_without_progress_ends),
        BUCKET_TEST(a_session_that_goes_back_and_forth_ends),
        BUCKET_TEST(a_session_that_takes_next_to_nothing_ends),
        BUCKET_TEST(a_session_that_takes_its_time_is_waited_for),
        SEAL_TEST(a_session_that_is_always_lost_is_an_outage),
        BUCKET_TEST(without_any_checksum_the_object_is_read_back),
        BUCKET_TEST(without_any_checksum_damage_is_noticed_all_the_same),
        BUCKET_TEST(an_empty_reply_does_not_hide_that_another_was_faster),
        BUCKET_TEST(equal_bytes_with_other_metadata_are_not_ours),
        BUCKET_TEST(a_success_that_did_nothing_is_tried_again),
        BUCKET_TEST(a_storm_of_401_is_outlasted_as_one_of_503_is),
        BUCKET_TEST(a_server_that_asks_for_more_time_than_there_is_gets_what_there_is),
        BUCKET_TEST(what_is_no_reply_says_what_it_is),
        BUCKET_TEST(a_listing_of_empty_pages_ends),
        BUCKET_TEST(an_empty_page_is_legal),
    };
    return cmocka_run_group_tests_name("servers", tests, set_up, NULL);
}
