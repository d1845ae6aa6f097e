/* Copies of actions: nothing in them points into what they were copied from. */
#include "core/model/action.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/banned.h"

static const char TEXT[] = "a text of the plan";

/*
 * Every word of the struct points to TEXT, except those of members that are values or no text. A new text is
 * therefore checked without being named here; a new member of another type has to be added here.
 */
static void fill(struct action *a, const struct pod_owner *pods)
{
    const char **words = (const char **)(void *)a;
    for (size_t i = 0; i < sizeof(*a) / sizeof(*words); i++)
        words[i] = TEXT;
    a->kind = ACTION_UPDATE_POLICY;
    a->status = NULL;
    a->attempt = a->index = a->grace_seconds = 0;
    a->technology = TECHNOLOGY_SEV;
    a->passed_over = (struct passed_over){.until_attempt = 0};
    a->pods = pods;
    a->pod_count = 1;
    a->at_us = 0;
}

static void a_copy_shares_no_text_with_its_original(void **state)
{
    struct arena *arena = arena_new();
    const struct pod_owner owner = {TEXT, TEXT};
    struct action original;
    (void)state;
    assert_int_equal(sizeof(original) % sizeof(char *), 0);
    fill(&original, &owner);
    struct action copy = action_copy(&original, arena);
    const char *const *words = (const char *const *)(void *)&copy;
    for (size_t i = 0; i < sizeof(copy) / sizeof(*words); i++)
        if (words[i] == TEXT)
            fail_msg("the text at offset %zu is not copied: add it to the table in action.c",
                     i * sizeof(*words));
    assert_string_equal(copy.why, TEXT);
    assert_string_equal(copy.part, TEXT);
    assert_ptr_not_equal(copy.pods[0].name, TEXT);
    assert_ptr_not_equal(copy.pods[0].uid, TEXT);
    assert_string_equal(copy.pods[0].uid, TEXT);
    arena_free(arena);
}

static void what_is_absent_stays_absent_and_values_stay(void **state)
{
    struct arena *arena = arena_new();
    const struct action original = {.kind = ACTION_CREATE_POD, .attempt = 3, .index = 1, .name = "digits"};
    (void)state;
    struct action copy = action_copy(&original, arena);
    assert_int_equal(copy.kind, ACTION_CREATE_POD);
    assert_int_equal(copy.attempt, 3);
    assert_int_equal(copy.index, 1);
    assert_string_equal(copy.name, "digits");
    assert_null(copy.note);
    assert_int_equal(copy.pod_count, 0);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_shares_no_text_with_its_original),
        cmocka_unit_test(what_is_absent_stays_absent_and_values_stay),
    };
    return cmocka_run_group_tests_name("action", tests, NULL, NULL);
}
