/* What a trainer says of its progress, as lines and as Kubeflow Trainer's objects. */
#include "agent/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "data/js.h"

#include "base/banned.h"

/* What is left after the line, as compact JSON; "" = nothing. */
static void expect(const char *line, const char *result)
{
    struct progress p = {.latest = NULL};
    struct err e CLEANUP(err_fini) = {0};
    int taken = progress_take_line(&p, view_from(line), &e);
    char *text CLEANUP(cleanup_free) = p.latest == NULL ? xstrdup("") : js_dump(p.latest);
    assert_string_equal(text, result);
    assert_int_equal(taken, *result == '\0' ? -1 : 0);
    assert_int_equal(e.code == ERR_NONE, taken == 0);
    progress_fini(&p);
}

static void reads_words(void **state)
{
    (void)state;
    expect("progress=40 remaining=120 loss=0.25",
           "{\"progressPercentage\":40,\"estimatedRemainingSeconds\":120,"
           "\"metrics\":[{\"name\":\"loss\",\"value\":\"0.25\"}]}");
    expect("  progressPercentage=40.9%  estimatedRemainingSeconds=7.2\r",
           "{\"progressPercentage\":40,\"estimatedRemainingSeconds\":7}");
    expect("loss=nan", "{\"metrics\":[{\"name\":\"loss\",\"value\":\"nan\"}]}");
    expect("progress=0", "{\"progressPercentage\":0}");
}

static void reads_objects(void **state)
{
    (void)state;
    expect("{\"progressPercentage\": 7, \"estimatedRemainingSeconds\": null}", "{\"progressPercentage\":7}");
    expect("{\"trainerStatus\": {\"metrics\": [{\"name\": \"loss\", \"value\": \"0.3\"}, {\"name\": \"n\", "
           "\"value\": 2}, "
           "{\"name\": \"r\", \"value\": 0.5}], \"lastUpdatedTime\": \"x\"}}",
           "{\"metrics\":[{\"name\":\"loss\",\"value\":\"0.3\"},{\"name\":\"n\",\"value\":\"2\"},"
           "{\"name\":\"r\",\"value\":\"0.5\"}]}");
}

static void refuses_nonsense(void **state)
{
    static const char *const lines[] = {
        "",
        "training",
        "=4",
        "loss=",
        "progress=",
        "progress=101",
        "progress=-1",
        "progress=nan",
        "progress=1e400",
        "progress=4 0",
        "progress=40%%",
        "\xff\xfe=1",
        "loss=\xff",
        "{",
        "{}",
        "[]",
        "{\"trainerStatus\": 4}",
        "{\"progressPercentage\": \"40\"}",
        "{\"progressPercentage\": 1e9}",
        "{\"estimatedRemainingSeconds\": -1}",
        "{\"metrics\": {}}",
        "{\"metrics\": [4]}",
        "{\"metrics\": [{\"name\": \"\", \"value\": \"1\"}]}",
        "{\"metrics\": [{\"name\": \"a\"}]}",
        "{\"metrics\": [{\"name\": \"a\", \"value\": []}]}",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        expect(lines[i], "");
}

/* jansson writes NUL as \u0000, which no reader of the termination message takes. */
static void refuses_control_characters(void **state)
{
    struct progress p = {.latest = NULL};
    struct err e CLEANUP(err_fini) = {0};
    (void)state;
    expect("loss=1\x1b[31m", "");
    expect("a\tb=1", "");
    expect("{\"metrics\": [{\"name\": \"a\\u001b\", \"value\": \"1\"}]}", "");
    assert_int_equal(progress_take_line(&p, view_of("loss=1\0x", 8), &e), -1);
    assert_null(p.latest);
    assert_int_equal(e.code, ERR_INVALID);
}

static void keeps_what_was_said_when_the_next_line_is_nonsense(void **state)
{
    struct progress p = {.latest = NULL};
    struct err e CLEANUP(err_fini) = {0};
    (void)state;
    assert_int_equal(progress_take_line(&p, view_from("progress=40"), &e), 0);
    assert_int_equal(progress_take_line(&p, view_from("progress=400"), &e), -1);
    assert_int_equal(js_int(p.latest, "progressPercentage", -1), 40);
    progress_fini(&p);
}

static void bounds_metrics(void **state)
{
    struct progress p = {.latest = NULL};
    struct err e CLEANUP(err_fini) = {0};
    struct strbuf line = STRBUF(100000);
    (void)state;
    for (int i = 0; i < 1000; i++)
        strbuf_addf(&line, "m%d=1 ", i);
    assert_int_equal(progress_take_line(&p, strbuf_view(&line), &e), 0);
    assert_int_equal(json_array_size(js_at(p.latest, "metrics")), 64);
    strbuf_clear(&line);
    strbuf_addf(&line, "%0129d=1", 0);
    assert_int_equal(progress_take_line(&p, strbuf_view(&line), &e), -1);
    strbuf_fini(&line);
    progress_fini(&p);
}

static void check_cut(const char *text, const char *rest, const char *path)
{
    struct view line = view_from(text), found = {0};
    assert_int_equal(progress_cut_checkpoint(&line, &found), path != NULL);
    assert_true(view_equal_text(line, rest));
    if (path != NULL)
        assert_true(view_equal_text(found, path));
}

static void a_checkpoint_is_cut_off_the_end_of_a_line(void **state)
{
    (void)state;
    check_cut("checkpoint=run/ckpt-5", "", "run/ckpt-5");
    check_cut("checkpoint=with a space ", "", "with a space");
    check_cut("progress=40 checkpoint=ckpt-5", "progress=40 ", "ckpt-5");
    check_cut("progress=40 mycheckpoint=5", "progress=40 mycheckpoint=5", NULL);
    check_cut("{\"a\": \" checkpoint=5\"}", "{\"a\": \" checkpoint=5\"}", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_words),
        cmocka_unit_test(reads_objects),
        cmocka_unit_test(refuses_nonsense),
        cmocka_unit_test(refuses_control_characters),
        cmocka_unit_test(keeps_what_was_said_when_the_next_line_is_nonsense),
        cmocka_unit_test(bounds_metrics),
        cmocka_unit_test(a_checkpoint_is_cut_off_the_end_of_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
