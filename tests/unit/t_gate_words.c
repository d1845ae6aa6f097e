#include "agent/gate_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"

#include "base/banned.h"

static struct gate_word word(const char *line)
{
    return gate_word_read(view_from(line));
}

static void hello_says_what_became_of_the_program(void **state)
{
    (void)state;
    assert_true(word("HELLO 1 waiting").is_waiting);
    assert_true(word("HELLO 1 swap").is_swapped);
    assert_true(word("HELLO 2 waiting").is_other_version);
    struct gate_word w = word("HELLO 1 running");
    assert_int_equal(w.kind, GATE_WORD_HELLO);
    assert_false(w.is_waiting || w.is_swapped || w.has_exited || w.is_other_version);
    w = word("HELLO 1 exited 143 terminated");
    assert_true(w.has_exited && w.is_terminated);
    assert_int_equal(w.exit_code, 143);
}

static void an_exit_has_a_code_of_one_byte(void **state)
{
    (void)state;
    struct gate_word w = word("EXITED 3");
    assert_true(w.kind == GATE_WORD_EXITED && w.has_exited && !w.is_terminated);
    assert_int_equal(w.exit_code, 3);
    static const char *const none[] = {"EXITED",    "EXITED ", "EXITED -1", "EXITED 256",
                                       "EXITED 1x", "EXIT 0",  ""};
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        w = word(none[i]);
        assert_true(w.kind == GATE_WORD_NONE && !w.has_exited);
    }
    w = gate_word_read(VIEW_LITERAL("EXITED 0\0"));
    assert_int_equal(w.kind, GATE_WORD_NONE);
}

static void usage_has_two_numbers(void **state)
{
    (void)state;
    struct gate_word w = word("USAGE 18446744073709551615 7");
    assert_true(w.kind == GATE_WORD_USAGE && w.memory_bytes == UINT64_MAX && w.cpu_us == 7);
    assert_int_equal(word("USAGE 1").kind, GATE_WORD_NONE);
    assert_int_equal(word("USAGE 18446744073709551616 7").kind, GATE_WORD_NONE);
}

static void lines_are_cut_where_they_end(void **state)
{
    (void)state;
    struct strbuf input = STRBUF(64);
    size_t length = 0;
    strbuf_add_text(&input, "a b\n\nc");
    char *first CLEANUP(cleanup_free) = gate_take_line(&input, &length);
    assert_string_equal(first, "a b");
    assert_int_equal(length, 3);
    char *second CLEANUP(cleanup_free) = gate_take_line(&input, &length);
    assert_string_equal(second, "");
    assert_null(gate_take_line(&input, &length));
    strbuf_add_char(&input, '\n');
    char *third CLEANUP(cleanup_free) = gate_take_line(&input, &length);
    assert_string_equal(third, "c");
    strbuf_fini(&input);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_says_what_became_of_the_program),
        cmocka_unit_test(an_exit_has_a_code_of_one_byte),
        cmocka_unit_test(usage_has_two_numbers),
        cmocka_unit_test(lines_are_cut_where_they_end),
    };
    return cmocka_run_group_tests_name("gate_words", tests, NULL, NULL);
}
