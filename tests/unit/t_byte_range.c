#include "gcp/byte_range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/banned.h"

static void a_part_says_where_it_begins(void **state)
{
    (void)state;
    uint64_t first = 7, total = 7;
    assert_true(byte_range_read_part(view_from("bytes 5-9/10"), &first, &total));
    assert_true(first == 5 && total == 10);
    assert_true(byte_range_read_part(view_from("bytes 0-9/*"), &first, &total));
    assert_true(first == 0 && total == 10);
}

static void what_is_no_part_changes_nothing(void **state)
{
    static const char *const bad[] = {
        "",           "bytes",         "bytes 5/10",    "bytes 9-5/10",  "bytes 5-10/10",
        "bytes */10", "bytes 5-9",     "bytes 5-9/",    "items 5-9/10",  "bytes 5-9/10 ",
        "bytes=5-9",  "bytes -5-9/10", "bytes 5-9/-10", "bytes 5-9/1e1", "bytes  5-9/10"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        uint64_t first = 7, total = 8;
        assert_false(byte_range_read_part(view_from(bad[i]), &first, &total));
        assert_true(first == 7 && total == 8);
    }
}

static void a_session_says_how_much_has_arrived(void **state)
{
    static const char *const bad[] = {"bytes=1-5", "bytes=0-", "bytes=0",
                                      "bytes 0-5", "0-5",      "bytes=0-18446744073709551615"};
    uint64_t end = 7;
    (void)state;
    assert_true(byte_range_read_arrived(view_from("bytes=0-262143"), &end) && end == 262144);
    assert_true(byte_range_read_arrived(view_from(""), &end) && end == 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        end = 7;
        assert_false(byte_range_read_arrived(view_from(bad[i]), &end));
        assert_true(end == 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_says_where_it_begins),
        cmocka_unit_test(what_is_no_part_changes_nothing),
        cmocka_unit_test(a_session_says_how_much_has_arrived),
    };
    return cmocka_run_group_tests_name("byte_range", tests, NULL, NULL);
}
