/* Command lines, YAML and names of checkpoints: what people write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "data/js.h"
#include "data/yaml.h"
#include "os/options.h"

#include "base/banned.h"

static void options_and_operands_stand_in_any_order(void **state)
{
    const char *text = NULL;
    int64_t number = 5;
    bool flag = false;
    const struct option_row rows[] = {{"name", 'n', OPTION_TEXT, &text, "X", ""},
                                      {"count", '\0', OPTION_INT, &number, "N", ""},
                                      {"quiet", 'q', OPTION_FLAG, &flag, NULL, ""}};
    char one[] = "one", name[] = "--name=a=b", count[] = "--count", seven[] = "-7", quiet[] = "-q",
         end[] = "--", two[] = "--two";
    char *argv[] = {one, name, count, seven, quiet, end, two, NULL};
    struct err e CLEANUP(err_fini) = {0};
    int operands;
    (void)state;
    assert_int_equal(options_parse(rows, ARRAY_LEN(rows), 7, argv, &operands, &e), 0);
    assert_string_equal(text, "a=b");
    assert_int_equal(number, -7);
    assert_true(flag);
    assert_int_equal(operands, 2);
    assert_string_equal(argv[1], "--two");
}

static void wrong_options_are_named(void **state)
{
    static const char *const BAD[] = {"--nmae=x", "--count=many", "--count", "-z", "--quiet=perhaps"};
    int64_t number = 0;
    bool flag = false;
    const struct option_row rows[] = {{"count", '\0', OPTION_INT, &number, "N", ""},
                                      {"quiet", '\0', OPTION_FLAG, &flag, NULL, ""}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        char *argument CLEANUP(cleanup_free) = xstrdup(BAD[i]);
        struct err e CLEANUP(err_fini) = {0};
        int operands;
        char *argv[] = {argument, NULL};
        assert_int_equal(options_parse(rows, ARRAY_LEN(rows), 1, argv, &operands, &e), -1);
        assert_int_equal(e.code, ERR_INVALID);
    }
}

static void the_environment_is_read_by_one_rule_and_the_command_line_wins(void **state)
{
    const char *level = "info", *other = "untouched";
    int64_t number = 0;
    const struct option_row rows[] = {{"Heading", 0, OPTION_HEADING, NULL, NULL, NULL},
                                      {"log-level", 0, OPTION_TEXT, &level, "X", ""},
                                      {"other", 0, OPTION_TEXT, &other, "X", ""},
                                      {"count", 0, OPTION_INT, &number, "N", ""}};
    char count[] = "--count=3", *argv[] = {count, NULL};
    struct err e CLEANUP(err_fini) = {0};
    int operands;
    (void)state;
    setenv("TESTED_LOG_LEVEL", "debug", 1);
    setenv("TESTED_COUNT", "2", 1);
    setenv("TESTED_HEADING", "x", 1);
    assert_int_equal(options_from_environment(rows, ARRAY_LEN(rows), "TESTED_", &e), 0);
    assert_int_equal(number, 2);
    assert_int_equal(options_parse(rows, ARRAY_LEN(rows), 1, argv, &operands, &e), 0);
    assert_string_equal(level, "debug");
    assert_string_equal(other, "untouched");
    assert_int_equal(number, 3);
    setenv("TESTED_COUNT", "two", 1);
    assert_int_equal(options_from_environment(rows, ARRAY_LEN(rows), "TESTED_", &e), -1);
    char *text CLEANUP(cleanup_free) = err_text(&e);
    assert_non_null(strstr(text, "TESTED_COUNT"));
}

static void yaml_is_read_as_kubectl_reads_it(void **state)
{
    struct err e CLEANUP(err_fini) = {0};
    json_t *value CLEANUP(js_free) = yaml_parse(
        view_from("a: &x {b: 1, c: 'true', d: true, e: null}\nf: *x\ng: [1.5, \"2\", x]\n"), "text", &e);
    (void)state;
    assert_non_null(value);
    char *text CLEANUP(cleanup_free) = js_dump(value);
    assert_string_equal(
        text,
        "{\"a\":{\"b\":1,\"c\":\"true\",\"d\":true,\"e\":null},\"f\":{\"b\":1,\"c\":\"true\",\"d\":true,"
        "\"e\":null},\"g\":[1.5,\"2\",\"x\"]}");
}

static void hostile_yaml_is_refused(void **state)
{
    /* Each level doubles: without a limit this would be a thousand million nodes. */
    struct strbuf laughs = STRBUF(4096);
    struct err e CLEANUP(err_fini) = {0}, f CLEANUP(err_fini) = {0};
    (void)state;
    strbuf_add_text(&laughs, "a0: &a0 [x]\n");
    for (int i = 1; i < 31; i++)
        strbuf_addf(&laughs, "a%d: &a%d [*a%d, *a%d]\n", i, i, i - 1, i - 1);
    assert_null(yaml_parse(strbuf_view(&laughs), "laughs", &e));
    assert_null(yaml_parse(view_from("a: [b"), "cut", &f));
    assert_int_equal(f.code, ERR_INVALID);
    err_fini(&f);
    assert_null(yaml_parse(view_from("? [a]\n: [b, c]\n"), "key", &f));
    assert_int_equal(f.code, ERR_INVALID);
    strbuf_fini(&laughs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_operands_stand_in_any_order),
        cmocka_unit_test(wrong_options_are_named),
        cmocka_unit_test(the_environment_is_read_by_one_rule_and_the_command_line_wins),
        cmocka_unit_test(yaml_is_read_as_kubectl_reads_it),
        cmocka_unit_test(hostile_yaml_is_refused),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
