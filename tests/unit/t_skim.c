#include "data/skim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/banned.h"

static const char text[] = "{ \"a\" : 1, \"b\":{\"x\":[{\"y\":\"}\\\"{\"},2],\"n\":null},\n"
                           "\"s\":\"caf\\u00e9 \\ud83d\\ude00\\n\\/\", \"t\":true,\"neg\":-7}";

static void check(const char *path, const char *expected)
{
    struct view found = skim_at(view_from(text), path);
    assert_true(view_equal_text(found, expected));
}

static void finds_values_at_paths(void **state)
{
    (void)state;
    check("a", "1");
    check("b.x", "[{\"y\":\"}\\\"{\"},2]");
    check("t", "true");
    check("b.n", "");
    check("b.missing", "");
    check("a.b", "");
    assert_int_equal(skim_int(skim_at(view_from(text), "neg"), 0), -7);
    assert_int_equal(skim_int(skim_at(view_from(text), "t"), 5), 5);
}

static void reads_every_integer_of_64_bits(void **state)
{
    (void)state;
    assert_true(skim_int(view_from("9223372036854775807"), 5) == INT64_MAX);
    assert_true(skim_int(view_from("-9223372036854775808"), 5) == INT64_MIN);
    assert_int_equal(skim_int(view_from("9223372036854775808"), 5), 5);
    assert_int_equal(skim_int(view_from("-9223372036854775809"), 5), 5);
    assert_int_equal(skim_int(view_from("-0"), 5), 0);
}

static void takes_several_members_in_one_go(void **state)
{
    (void)state;
    static const char *const names[] = {"t", "missing", "a"};
    struct view v[ARRAY_LEN(names)];
    skim_members(view_from(text), names, ARRAY_LEN(names), v);
    assert_true(view_equal_text(v[0], "true"));
    assert_int_equal(v[1].len, 0);
    assert_true(view_equal_text(v[2], "1"));
}

static void resolves_escapes(void **state)
{
    (void)state;
    struct view s = skim_text(skim_at(view_from(text), "s"));
    char out[64];
    assert_true(s.len < sizeof(out));
    assert_int_equal(skim_unescape(s, out), strlen("caf\xc3\xa9 \xf0\x9f\x98\x80\n/"));
    assert_string_equal(out, "caf\xc3\xa9 \xf0\x9f\x98\x80\n/");
    assert_int_equal(skim_unescape(view_from("\\u12"), out), strlen("u12"));
}

static uint64_t hash(const char *json)
{
    struct skim s = {view_from(json)};
    return skim_hash(&s);
}

static void hashes_what_is_meant(void **state)
{
    (void)state;
    assert_true(hash("{\"a\":1,\"b\":[\"<\",2]}") ==
                hash("{ \"b\" : [ \"\\u003c\", 2 ], \"a\":1, \"c\":null}"));
    static const char *const others[] = {
        "{\"a\":1,\"b\":[2,\"<\"]}", "{\"a\":\"1\",\"b\":[\"<\",2]}", "{\"a\":1,\"b\":[\"<\"],\"2\":2}",
        "{\"a\":1,\"b\":{\"<\":2}}", "{\"b\":1,\"a\":[\"<\",2]}",     "{\"a\":1,\"b\":[\"<\",2],\"c\":\"\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_true(hash(others[i]) != hash("{\"a\":1,\"b\":[\"<\",2]}"));
        for (size_t j = 0; j < i; j++)
            assert_true(hash(others[i]) != hash(others[j]));
    }
}

/* Each beginning of the text lies at the end of its memory, where a sanitizer sees a read beyond it. */
static void never_reads_beyond_a_torn_text(void **state)
{
    (void)state;
    for (size_t length = 0; length < sizeof(text); length++) {
        char *torn = view_dup(view_of(text, length));
        struct view v = view_of(torn, length), name;
        struct skim s = {v}, steps = skim_open(v);
        char out[sizeof(text)];
        size_t most = sizeof(text);
        (void)skim_hash(&s);
        (void)skim_at(v, "b.x");
        (void)skim_unescape(v, out);
        while (most > 0 && skim_next(&steps, &name, &v))
            most--;
        assert_true(most > 0);
        free(torn);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_values_at_paths),
        cmocka_unit_test(reads_every_integer_of_64_bits),
        cmocka_unit_test(takes_several_members_in_one_go),
        cmocka_unit_test(resolves_escapes),
        cmocka_unit_test(hashes_what_is_meant),
        cmocka_unit_test(never_reads_beyond_a_torn_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
