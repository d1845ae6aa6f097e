/* lib/base: the small things that everything else stands on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/backoff.h"
#include "base/codec.h"
#include "base/crc32c.h"
#include "base/err.h"
#include "base/rfc3339.h"
#include "base/strbuf.h"
#include "base/utf8.h"
#include "base/view.h"

#include "base/banned.h"

static int open_missing(struct err *e)
{
    return FAIL_OBJECT(e, ERR_DATA_NOT_FOUND, "gs://b/o", "there is nothing at %s", "gs://b/o");
}

static void an_error_keeps_its_code_and_object_while_callers_add_words(void **state)
{
    struct err e CLEANUP(err_fini) = {0};
    (void)state;
    assert_int_equal(open_missing(&e), -1);
    assert_int_equal(err_wrap(&e, "input %s", "train"), -1);
    char *text CLEANUP(cleanup_free) = err_text(&e),
               *sentence CLEANUP(cleanup_free) = err_sentence(&e, "correct the URI");
    assert_string_equal(text, "input train: there is nothing at gs://b/o");
    assert_string_equal(sentence, "input train: there is nothing at gs://b/o. To go on, correct the URI.");
    assert_int_equal(e.code, ERR_DATA_NOT_FOUND);
    assert_string_equal(e.object, "gs://b/o");
    err_recode(&e, ERR_DENIED);
    assert_int_equal(e.code, ERR_DENIED);
}

/* Names of files and objects, and what servers answer, stand in errors. */
static void an_error_is_one_line_of_utf8_whatever_it_is_about(void **state)
{
    struct err e CLEANUP(err_fini) = {0};
    (void)state;
    assert_int_equal(
        FAIL_OBJECT(&e, ERR_IO, "a\xff\x1b", "b\r\nc \xc3\xa9 \xe2\x82 \xc2\x9b[31m %s", "\xed\xa0\x80"), -1);
    assert_string_equal(e.object, "a??");
    assert_string_equal(e.text, "b  c \xc3\xa9 ?? ??[31m ???");
    assert_int_equal(err_wrap(&e, "\x7f\xf5"), -1);
    assert_string_equal(e.text, "??");
}

static void a_text_is_clipped_between_characters(void **state)
{
    (void)state;
    assert_int_equal(utf8_clip("a\xe2\x82\xac", 10), 4);
    assert_int_equal(utf8_clip("a\xe2\x82\xac", 4), 4);
    assert_int_equal(utf8_clip("a\xe2\x82\xac", 3), 1);
    assert_int_equal(utf8_clip("a\xe2\x82\xac", 2), 1);
    assert_int_equal(utf8_clip("a\xe2\x82\xac", 1), 1);
    assert_int_equal(utf8_clip("\xe2\x82\xac", 1), 0);
    assert_true(utf8_is_valid("\xf4\x8f\xbf\xbf"));
    assert_false(utf8_is_valid("\xf4\x90\x80\x80"));
    assert_false(utf8_is_valid("\xc0\x80"));
}

static void every_code_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int code = ERR_NONE + 1; code < ERR_CODE_COUNT; code++) {
        const char *name = err_code_name((enum err_code)code);
        assert_true(*name >= 'A' && *name <= 'Z');
        for (int other = ERR_NONE + 1; other < code; other++)
            assert_string_not_equal(err_code_name((enum err_code)other), name);
    }
}

static void a_buffer_never_grows_over_its_limit_and_says_so(void **state)
{
    struct strbuf sb = STRBUF(10);
    (void)state;
    assert_string_equal(strbuf_text(&sb), "");
    strbuf_addf(&sb, "%d-%s", 12345, "abc");
    assert_false(strbuf_overflowed(&sb));
    strbuf_add_text(&sb, "xy");
    assert_true(strbuf_overflowed(&sb));
    assert_true(sb.len <= 10);
    strbuf_clear(&sb);
    strbuf_add_text(&sb, "0123456789");
    assert_false(strbuf_overflowed(&sb));
    strbuf_consume(&sb, 4);
    assert_string_equal(strbuf_text(&sb), "456789");
    strbuf_consume(&sb, 100);
    assert_int_equal(sb.len, 0);
    strbuf_fini(&sb);
}

static void views_cut_without_copying(void **state)
{
    struct view rest = view_from("a/b//c"), part;
    uint64_t number;
    (void)state;
    assert_true(view_equal_text(view_cut(rest, '/', &rest), "a"));
    assert_true(view_equal_text(view_cut(rest, '/', &rest), "b"));
    assert_int_equal(view_cut(rest, '/', &rest).len, 0);
    part = view_cut(rest, '/', &rest);
    assert_true(view_equal_text(part, "c"));
    assert_int_equal(rest.len, 0);
    assert_true(view_to_u64(view_from("18446744073709551615"), &number) && number == UINT64_MAX);
    assert_false(view_to_u64(view_from("18446744073709551616"), &number));
    assert_false(view_to_u64(view_from(""), &number));
    assert_false(view_to_u64(view_from("1a"), &number));
    assert_true(view_equal_text(view_trim(view_from(" \t x \r\n")), "x"));
}

static void base64_is_strict_both_ways(void **state)
{
    static const char *const BAD[] = {
        "A", "AA", "AAA", "AA=", "A===", "AA==AA==", "AB==", "AAB=", "A A=", "AA-_", "AAAA\n"};
    static const struct {
        const char *plain, *text;
    } GOOD[] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}}; /* RFC 4648, 10 */
    char out[16];
    size_t length;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(GOOD); i++) {
        char *text CLEANUP(cleanup_free) = base64_encode(GOOD[i].plain, strlen(GOOD[i].plain));
        assert_string_equal(text, GOOD[i].text);
        assert_int_equal(base64_decode(view_from(text), out, sizeof(out), &length), 0);
        assert_int_equal(length, strlen(GOOD[i].plain));
        assert_memory_equal(out, GOOD[i].plain, length);
    }
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        assert_int_equal(base64_decode(view_from(BAD[i]), out, sizeof(out), &length), -1);
    assert_int_equal(base64_decode(view_from("Zm9vYmFy"), out, 5, &length), -1);
}

static void crc32c_matches_its_check_value_and_combines(void **state)
{
    (void)state;
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
    assert_int_equal(crc32c_combine(crc32c(0, "1234", 4), crc32c(0, "56789", 5), 5), 0xe3069283);
    assert_int_equal(crc32c(0, "", 0), 0);
}

static void times_go_both_ways(void **state)
{
    int64_t us;
    char text[RFC3339_SIZE];
    (void)state;
    assert_int_equal(rfc3339_parse(view_from("2026-02-28T23:59:59.123456Z"), &us), 0);
    rfc3339_format_micros(us, text);
    assert_string_equal(text, "2026-02-28T23:59:59.123456Z");
    assert_int_equal(rfc3339_parse(view_from("2024-02-29T00:00:00+02:00"), &us), 0);
    rfc3339_format_seconds(us, text);
    assert_string_equal(text, "2024-02-28T22:00:00Z");
    assert_int_equal(rfc3339_parse(view_from("2023-02-29T00:00:00Z"), &us), -1);
    assert_int_equal(rfc3339_parse(view_from("yesterday"), &us), -1);
}

static void waits_grow_to_the_ceiling_and_start_again_after_a_success(void **state)
{
    struct backoff b = BACKOFF(100, 1000);
    (void)state;
    for (int64_t ceiling = 100; ceiling < 100000; ceiling *= 2) {
        int64_t wait = backoff_next_ms(&b), most = ceiling < 1000 ? ceiling : 1000;
        assert_true(wait >= most / 2 && wait <= most);
    }
    backoff_reset(&b);
    assert_true(backoff_next_ms(&b) <= 100);
}

static void an_arena_frees_everything_in_reverse(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    char *text = arena_printf(a, "%s-%d", "x", 7);
    assert_string_equal(text, "x-7");
    for (size_t size = 1; size < 100000; size *= 3) {
        uint8_t *bytes = arena_alloc(a, size);
        assert_int_equal((uintptr_t)bytes % _Alignof(max_align_t), 0);
        assert_int_equal(bytes[size - 1], 0);
        memset(bytes, 0xff, size);
    }
    assert_null(arena_strdup(a, NULL));
    assert_string_equal(text, "x-7");
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_keeps_its_code_and_object_while_callers_add_words),
        cmocka_unit_test(an_error_is_one_line_of_utf8_whatever_it_is_about),
        cmocka_unit_test(a_text_is_clipped_between_characters),
        cmocka_unit_test(every_code_has_a_name_of_its_own),
        cmocka_unit_test(a_buffer_never_grows_over_its_limit_and_says_so),
        cmocka_unit_test(views_cut_without_copying),
        cmocka_unit_test(base64_is_strict_both_ways),
        cmocka_unit_test(crc32c_matches_its_check_value_and_combines),
        cmocka_unit_test(times_go_both_ways),
        cmocka_unit_test(waits_grow_to_the_ceiling_and_start_again_after_a_success),
        cmocka_unit_test(an_arena_frees_everything_in_reverse),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
