/* The text that Prometheus reads. tests/integration/test_metrics.py holds it to Prometheus' own parser. */
#include "base/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "os/process.h"

#include "base/banned.h"

enum { REQUESTS, DEPTH, SECONDS, WAITS };

static const double bounds[] = {0.1, 1, 10, 0};
static const struct metric_row rows[] = {
    [REQUESTS] = {"requests_total", METRIC_COUNTER, "code,method", "Requests, by answer.", NULL},
    [DEPTH] = {"depth", METRIC_GAUGE, "", "What \\ waits,\nin two lines.", NULL},
    [SECONDS] = {"work_seconds", METRIC_HISTOGRAM, "", "Time.", bounds},
    [WAITS] = {"wait_seconds", METRIC_HISTOGRAM, "stage", "Waiting.", bounds},
};

static void assert_text(const struct metrics *m, const char *expected)
{
    struct strbuf text = STRBUF(64 * 1024);
    metrics_write(m, &text);
    assert_string_equal(strbuf_text(&text), expected);
    strbuf_fini(&text);
}

static void what_has_no_labels_is_there_from_the_start(void **state)
{
    struct metrics *m = metrics_new(rows, 2);
    (void)state;
    assert_text(m, "# HELP depth What \\\\ waits,\\nin two lines.\n# TYPE depth gauge\ndepth 0\n");
    metrics_free(m);
}

static void counters_count_for_each_combination_of_labels(void **state)
{
    static const char *const get[] = {"200", "GET"}, *const put[] = {"409", "PUT"};
    struct metrics *m = metrics_new(rows, 1);
    (void)state;
    metrics_add(m, REQUESTS, get, 1);
    metrics_add(m, REQUESTS, put, 0);
    metrics_add(m, REQUESTS, get, 1);
    assert_text(m, "# HELP requests_total Requests, by answer.\n# TYPE requests_total counter\n"
                   "requests_total{code=\"200\",method=\"GET\"} 2\n"
                   "requests_total{code=\"409\",method=\"PUT\"} 0\n");
    metrics_clear(m, REQUESTS);
    assert_text(m, "");
    metrics_free(m);
}

static void values_of_labels_are_escaped(void **state)
{
    static const char *const odd[] = {"a\"b\\c\nd", ""};
    struct metrics *m = metrics_new(rows, 1);
    (void)state;
    metrics_add(m, REQUESTS, odd, 1);
    assert_text(m, "# HELP requests_total Requests, by answer.\n# TYPE requests_total counter\n"
                   "requests_total{code=\"a\\\"b\\\\c\\nd\",method=\"\"} 1\n");
    metrics_free(m);
}

static void a_bucket_holds_what_is_at_most_its_bound(void **state)
{
    static const double seen[] = {0.1, 0.2, 1, 10.5};
    struct metrics *m = metrics_new(rows + SECONDS, 1);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(seen); i++)
        metrics_observe(m, 0, NULL, seen[i]);
    assert_text(m, "# HELP work_seconds Time.\n# TYPE work_seconds histogram\n"
                   "work_seconds_bucket{le=\"0.1\"} 1\nwork_seconds_bucket{le=\"1\"} 3\n"
                   "work_seconds_bucket{le=\"10\"} 3\nwork_seconds_bucket{le=\"+Inf\"} 4\n"
                   "work_seconds_sum 11.8\nwork_seconds_count 4\n");
    metrics_free(m);
}

static void histograms_have_labels_too(void **state)
{
    static const char *const staging[] = {"Staging"};
    struct metrics *m = metrics_new(rows + WAITS, 1);
    (void)state;
    metrics_observe(m, 0, staging, 5);
    assert_text(m, "# HELP wait_seconds Waiting.\n# TYPE wait_seconds histogram\n"
                   "wait_seconds_bucket{stage=\"Staging\",le=\"0.1\"} 0\n"
                   "wait_seconds_bucket{stage=\"Staging\",le=\"1\"} 0\n"
                   "wait_seconds_bucket{stage=\"Staging\",le=\"10\"} 1\n"
                   "wait_seconds_bucket{stage=\"Staging\",le=\"+Inf\"} 1\n"
                   "wait_seconds_sum{stage=\"Staging\"} 5\nwait_seconds_count{stage=\"Staging\"} 1\n");
    metrics_free(m);
}

static void large_and_small_numbers_keep_their_value(void **state)
{
    struct metrics *m = metrics_new(rows + DEPTH, 1);
    (void)state;
    metrics_set(m, 0, NULL, 1764196542.25);
    metrics_add(m, 0, NULL, 0.5);
    assert_text(m,
                "# HELP depth What \\\\ waits,\\nin two lines.\n# TYPE depth gauge\ndepth 1764196542.75\n");
    metrics_set(m, 0, NULL, 1099511627776);
    assert_text(m,
                "# HELP depth What \\\\ waits,\\nin two lines.\n# TYPE depth gauge\ndepth 1099511627776\n");
    metrics_free(m);
}

static void the_process_is_measured(void **state)
{
    struct process_usage before, after;
    (void)state;
    process_usage_read(&before);
    for (volatile unsigned i = 0; i < 200u * 1000 * 1000; i++)
        ;
    process_usage_read(&after);
    assert_true(after.cpu_seconds > before.cpu_seconds);
    assert_true(before.start_time > 1.5e9 && after.start_time - before.start_time < 1);
    assert_true(before.anonymous_bytes > 0 && before.anonymous_bytes < before.resident_bytes);
    assert_true(before.resident_bytes < before.virtual_bytes);
    assert_true(before.open_descriptors >= 3 && before.open_descriptors < before.max_descriptors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_no_labels_is_there_from_the_start),
        cmocka_unit_test(counters_count_for_each_combination_of_labels),
        cmocka_unit_test(values_of_labels_are_escaped),
        cmocka_unit_test(a_bucket_holds_what_is_at_most_its_bound),
        cmocka_unit_test(histograms_have_labels_too),
        cmocka_unit_test(large_and_small_numbers_keep_their_value),
        cmocka_unit_test(the_process_is_measured),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
