#include "api/indexes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/banned.h"

#define COUNT 8

/* What is read from the text, written again. */
static void expect(const char *text, const char *again)
{
    struct arena *a = arena_new();
    bool set[COUNT] = {false};
    indexes_read(text, COUNT, set);
    assert_string_equal(indexes_text(set, COUNT, a), again);
    arena_free(a);
}

static void writes_ranges(void **state)
{
    (void)state;
    expect("", "");
    expect("3", "3");
    expect("0,1,2,5", "0-2,5");
    expect("6-7,1,3-4", "1,3-4,6-7");
    expect("0-7", "0-7");
}

/* Anybody may have edited a status. */
static void skips_invalid_parts(void **state)
{
    (void)state;
    expect("8", "");
    expect("6-18446744073709551615", "6-7");
    expect("18446744073709551615-18446744073709551615", "");
    expect("99999999999999999999,2", "2");
    expect("4-1,x,-,,-3,2-x", "2");
}

/* The longest that a job can need. */
static void has_room_for_every_second_worker_of_a_thousand(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    bool set[1000] = {false};
    for (size_t i = 0; i < 1000; i += 2)
        set[i] = true;
    const char *text = indexes_text(set, 1000, a);
    size_t n = strlen(text);
    assert_true(n > 4 && n <= 4096);
    assert_string_equal(text + n - 4, ",998");
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_ranges),
        cmocka_unit_test(skips_invalid_parts),
        cmocka_unit_test(has_room_for_every_second_worker_of_a_thousand),
    };
    return cmocka_run_group_tests_name("indexes", tests, NULL, NULL);
}
