/* When a repeating event is written; the test passes the time. */
#include "shell/events/series.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/banned.h"

enum { MINUTE_MS = 60 * 1000 };

static const struct event_series first = {.ns = "ml", .name = "digits.1", .event = "{}"};

/* The event occurs every step_ms from now_ms on; returns how often its count was written. */
static int repeat(struct series_table *t, const char *text, int64_t now_ms, int64_t step_ms, int times)
{
    const struct event_series *s;
    int written = 0;
    for (int i = 0; i < times; i++, now_ms += step_ms) {
        if (series_note(t, "uid", text, now_ms, now_ms * 1000, &s) == SERIES_SECOND)
            written++;
        while ((s = series_due(t, now_ms)) != NULL)
            written++;
    }
    return written;
}

static void the_second_time_makes_a_series_and_later_ones_are_counted(void **state)
{
    struct series_table *t = series_table_new();
    const struct event_series *s;
    (void)state;
    assert_int_equal(series_note(t, "uid", "a", 0, 0, &s), SERIES_FIRST);
    assert_null(s);
    series_begin(t, "uid", "a", &first);
    assert_int_equal(series_note(t, "uid", "a", 1000, 7000000, &s), SERIES_SECOND);
    assert_int_equal(s->count, 2);
    assert_int_equal(s->seen_us, 7000000);
    assert_string_equal(s->name, "digits.1");
    assert_int_equal(series_note(t, "uid", "a", 2000, 8000000, &s), SERIES_MORE);
    assert_null(series_due(t, 2000));
    /* About another object, or with another key, it is another event. */
    assert_int_equal(series_note(t, "other", "a", 2000, 0, &s), SERIES_FIRST);
    assert_int_equal(series_note(t, "uid", "b", 2000, 0, &s), SERIES_FIRST);
    series_table_free(t);
}

static void a_series_that_goes_on_is_written_each_half_hour(void **state)
{
    struct series_table *t = series_table_new();
    (void)state;
    series_begin(t, "uid", "a", &first);
    /* Two hours, once a second: the second time, and then at 30, 60 and 90 minutes after that. */
    assert_int_equal(repeat(t, "a", 0, 1000, 2 * 60 * 60), 1 + 3);
    series_table_free(t);
}

static void a_series_that_is_quiet_is_written_once_more_and_is_over(void **state)
{
    struct series_table *t = series_table_new();
    const struct event_series *s;
    (void)state;
    series_begin(t, "uid", "a", &first);
    assert_int_equal(repeat(t, "a", 0, 1000, 10), 1);
    assert_null(series_due(t, 6 * MINUTE_MS));
    s = series_due(t, 6 * MINUTE_MS + 10000);
    assert_non_null(s);
    assert_int_equal(s->count, 11);
    assert_int_equal(s->seen_us, 9000000);
    assert_null(series_due(t, 6 * MINUTE_MS + 10000));
    assert_int_equal(series_note(t, "uid", "a", 7 * MINUTE_MS, 0, &s), SERIES_FIRST);
    series_table_free(t);
}

static void one_that_did_not_repeat_is_forgotten_in_silence(void **state)
{
    struct series_table *t = series_table_new();
    const struct event_series *s;
    (void)state;
    series_begin(t, "uid", "a", &first);
    assert_null(series_due(t, 7 * MINUTE_MS));
    assert_int_equal(series_note(t, "uid", "a", 7 * MINUTE_MS, 0, &s), SERIES_FIRST);
    series_table_free(t);
}

/* So many of one namespace are remembered of 5000 that there are. */
static int remembered_of_a_crowd(struct series_table *t, const char *ns)
{
    const struct event_series event = {.ns = ns, .name = "digits.1", .event = "{}"}, *s;
    int remembered = 0;
    for (int i = 0; i < 5000; i++) {
        char text[16];
        snprintf(text, sizeof(text), "%d", i);
        series_begin(t, ns, text, &event);
        remembered += series_note(t, ns, text, 0, 0, &s) == SERIES_SECOND;
    }
    return remembered;
}

static void what_is_remembered_is_bounded_and_leaves_room_for_other_namespaces(void **state)
{
    struct series_table *t = series_table_new();
    const struct event_series *s;
    (void)state;
    assert_int_equal(remembered_of_a_crowd(t, "noisy"), 1024);
    assert_int_equal(remembered_of_a_crowd(t, "as-noisy"), 512);
    series_begin(t, "uid", "a", &first);
    assert_int_equal(series_note(t, "uid", "a", 0, 0, &s), SERIES_SECOND);
    series_table_free(t);
}

static void what_is_over_makes_room(void **state)
{
    struct series_table *t = series_table_new();
    (void)state;
    assert_int_equal(remembered_of_a_crowd(t, "noisy"), 1024);
    while (series_due(t, 7 * MINUTE_MS) != NULL)
        continue;
    assert_int_equal(remembered_of_a_crowd(t, "noisy"), 1024);
    series_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_second_time_makes_a_series_and_later_ones_are_counted),
        cmocka_unit_test(a_series_that_goes_on_is_written_each_half_hour),
        cmocka_unit_test(a_series_that_is_quiet_is_written_once_more_and_is_over),
        cmocka_unit_test(one_that_did_not_repeat_is_forgotten_in_silence),
        cmocka_unit_test(what_is_remembered_is_bounded_and_leaves_room_for_other_namespaces),
        cmocka_unit_test(what_is_over_makes_room),
    };
    return cmocka_run_group_tests_name("series", tests, NULL, NULL);
}
