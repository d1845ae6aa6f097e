/* lib/agentapi: what operator, agent and cloister-exec say to one another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agentapi/assignment.h"
#include "agentapi/failures.h"
#include "agentapi/fields_int.h"
#include "agentapi/report.h"
#include "base/alloc.h"
#include "data/js.h"

#include "base/banned.h"

/* ---- failures ---- */

/* Whatever error ends a worker, the operator knows its class, whether to try again, and what to advise. */
static void every_error_code_has_a_row_in_the_table_of_failures(void **state)
{
    (void)state;
    for (int code = ERR_NONE + 1; code < ERR_CODE_COUNT; code++) {
        const struct failure *f = failure_of_code((enum err_code)code);
        assert_string_equal(f->reason, err_code_name((enum err_code)code));
        assert_int_not_equal(f->failure_class, CLASS_None);
        assert_true(strlen(f->remedy) > 5);
        assert_ptr_equal(failure_find(f->reason), f);
        assert_int_equal(failure_class_from_name(failure_class_name(f->failure_class)), f->failure_class);
    }
    assert_null(failure_find(""));
    assert_null(failure_find("NoSuchReason"));
    assert_int_equal(failure_class_from_name("NoSuchClass"), CLASS_None);
}

/* Data that may not be trusted is never tried again; a worker that a newer attempt replaced ends no job. */
static void a_failure_of_security_is_final_and_a_disruption_is_not(void **state)
{
    (void)state;
    for (int code = ERR_NONE + 1; code < ERR_CODE_COUNT; code++) {
        const struct failure *f = failure_of_code((enum err_code)code);
        if (f->failure_class == CLASS_Security)
            assert_int_equal(f->retry, RETRY_NEVER);
        if (f->failure_class == CLASS_Disruption)
            assert_int_equal(f->retry, RETRY_LATER);
    }
    assert_false(err_code_is_retryable(ERR_SUPERSEDED));
    assert_int_equal(failure_of_code(ERR_KEY_DISABLED)->retry, RETRY_SLOWLY);
}

static void a_failure_is_worded_with_its_remedy(void **state)
{
    struct err e CLEANUP(err_fini) = {0};
    (void)state;
    (void)FAIL(&e, ERR_DATA_NOT_FOUND, "nothing at gs://b/o");
    char *sentence CLEANUP(cleanup_free) = failure_sentence(&e);
    assert_string_equal(sentence, "nothing at gs://b/o. To go on, correct the URI, or upload the data.");
}

/* ---- tables of fields ---- */

static size_t size_of(enum field_kind kind)
{
    switch (kind) {
    case FIELD_TEXT:
    case FIELD_OBJECT:
    case FIELD_ARRAY: return sizeof(void *);
    case FIELD_INT64:
    case FIELD_TIME:
    case FIELD_QUANTITY: return sizeof(int64_t);
    case FIELD_INT32:
    case FIELD_WORD: return sizeof(int32_t);
    case FIELD_BOOL: return sizeof(bool);
    }
    return 0;
}

/* Gives every member that has a row a value of its own, by its kind and number. */
static void fill(const struct field *table, size_t count, void *ret, struct arena *a)
{
    for (size_t i = 0; i < count; i++) {
        void *member = (char *)ret + table[i].offset;
        switch (table[i].kind) {
        case FIELD_TEXT: *(const char **)member = arena_printf(a, "value of %s", table[i].path); break;
        case FIELD_INT32: *(int32_t *)member = 20 + (int32_t)i; break;
        case FIELD_INT64: *(int64_t *)member = ((int64_t)1 << 40) + (int64_t)i; break;
        case FIELD_BOOL: *(bool *)member = !*(bool *)member; break;
        case FIELD_WORD: *(int *)member = 1; break;
        case FIELD_OBJECT: *(const json_t **)member = js_keep(a, json_pack("{s:i}", "row", (int)i)); break;
        case FIELD_TIME:
        case FIELD_QUANTITY:
        case FIELD_ARRAY: fail_msg("no %s has this kind so far", table[i].path);
        }
    }
}

static void assert_same(const struct field *table, size_t count, const void *sent, const void *got)
{
    for (size_t i = 0; i < count; i++) {
        const char *x = (const char *)sent + table[i].offset, *y = (const char *)got + table[i].offset;
        if (table[i].kind == FIELD_TEXT)
            assert_string_equal(*(const char *const *)x, *(const char *const *)y);
        else if (table[i].kind == FIELD_OBJECT)
            assert_true(*(json_t *const *)x == *(json_t *const *)y ||
                        json_equal(*(json_t *const *)x, *(json_t *const *)y));
        else
            assert_memory_equal(x, y, size_of(table[i].kind));
    }
}

/* A member without a row would be written by one side and never arrive. `others`: members that are no rows.
 */
static void assert_every_member_has_a_row(const struct field *table, size_t count, size_t size,
                                          size_t others_bytes, size_t padding_bytes)
{
    size_t covered = 0;
    for (size_t i = 0; i < count; i++) {
        covered += size_of(table[i].kind);
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(table[i].offset, table[k].offset);
            assert_string_not_equal(table[i].path, table[k].path);
        }
    }
    assert_int_equal(covered + others_bytes + padding_bytes, size);
}

/* ---- assignment ---- */

static void an_assignment_arrives_as_it_was_sent(void **state)
{
    struct arena *a CLEANUP(cleanup_arena) = arena_new();
    struct err e CLEANUP(err_fini) = {0};
    struct assignment_key keys[2] = {{"", "", ""}, {"k", "projects/$p", "AA=="}};
    struct assignment_input inputs[2] = {{"", "", "", ""}, {"i", "gs://b/o", "k", "Object"}};
    struct assignment sent = ASSIGNMENT_NONE, got;
    (void)state;
    fill(assignment_fields, ASSIGNMENT_FIELDS, &sent, a);
    fill(assignment_key_fields, ASSIGNMENT_KEY_FIELDS, &keys[0], a);
    fill(assignment_input_fields, ASSIGNMENT_INPUT_FIELDS, &inputs[0], a);
    sent.version = ASSIGNMENT_VERSION;
    sent.index = sent.replicas - 1;
    sent.keys = keys;
    sent.inputs = inputs;
    sent.key_count = sent.input_count = 2;
    assert_int_equal(assignment_decode(js_keep(a, assignment_encode(&sent)), a, &got, &e), 0);
    assert_same(assignment_fields, ASSIGNMENT_FIELDS, &sent, &got);
    assert_int_equal(got.key_count, 2);
    assert_int_equal(got.input_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_same(assignment_key_fields, ASSIGNMENT_KEY_FIELDS, &keys[i], &got.keys[i]);
        assert_same(assignment_input_fields, ASSIGNMENT_INPUT_FIELDS, &inputs[i], &got.inputs[i]);
    }
}

static void every_member_of_an_assignment_is_sent(void **state)
{
    (void)state;
    assert_every_member_has_a_row(assignment_fields, ASSIGNMENT_FIELDS, sizeof(struct assignment),
                                  2 * (sizeof(void *) + sizeof(size_t)) + sizeof(void *), 6);
    assert_every_member_has_a_row(assignment_key_fields, ASSIGNMENT_KEY_FIELDS, sizeof(struct assignment_key),
                                  0, 0);
    assert_every_member_has_a_row(assignment_input_fields, ASSIGNMENT_INPUT_FIELDS,
                                  sizeof(struct assignment_input), 0, 0);
}

static void an_assignment_that_makes_no_sense_is_refused(void **state)
{
    static const struct {
        const char *path;
        int value;
    } BAD[] = {{"version", 1},  {"attempt", 0},     {"index", 2},       {"index", -1},
               {"replicas", 0}, {"connections", 0}, {"connections", 65}};
    struct arena *a CLEANUP(cleanup_arena) = arena_new();
    struct assignment good = ASSIGNMENT_NONE, got;
    (void)state;
    good.job_uid = "uid";
    good.attempt = 1;
    good.index = 0;
    good.replicas = 2;
    good.connections = 8;
    assert_int_equal(assignment_decode(js_keep(a, assignment_encode(&good)), a, &got, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        struct err e CLEANUP(err_fini) = {0};
        json_t *tree = js_keep(a, assignment_encode(&good));
        json_object_set_new(tree, BAD[i].path, json_integer(BAD[i].value));
        assert_int_equal(assignment_decode(tree, a, &got, &e), -1);
        assert_int_equal(e.code, ERR_INVALID);
    }
    good.job_uid = "";
    assert_int_equal(assignment_decode(js_keep(a, assignment_encode(&good)), a, &got, NULL), -1);
}

/* ---- report ---- */

static void a_report_arrives_as_it_was_sent(void **state)
{
    struct arena *a CLEANUP(cleanup_arena) = arena_new();
    struct err e CLEANUP(err_fini) = {0};
    struct report sent = REPORT_NONE, got;
    (void)state;
    fill(report_fields, REPORT_FIELDS, &sent, a);
    sent.version = REPORT_VERSION;
    assert_int_equal(report_decode(js_keep(a, report_encode(&sent)), &got, &e), 0);
    assert_same(report_fields, REPORT_FIELDS, &sent, &got);
    sent = REPORT_NONE;
    sent.version = REPORT_VERSION;
    assert_int_equal(report_decode(js_keep(a, report_encode(&sent)), &got, &e), 0);
    assert_same(report_fields, REPORT_FIELDS, &sent, &got);
}

static void every_member_of_a_report_is_sent(void **state)
{
    (void)state;
    assert_every_member_has_a_row(report_fields, REPORT_FIELDS, sizeof(struct report), sizeof(int64_t), 4);
}

static void every_stage_class_and_result_has_a_word(void **state)
{
    struct arena *a CLEANUP(cleanup_arena) = arena_new();
    (void)state;
    for (int stage = STAGE_NONE; stage <= STAGE_DONE; stage++)
        for (int failure_class = CLASS_None; failure_class <= CLASS_Internal; failure_class++)
            for (int result = RESULT_RUNNING; result <= RESULT_SUCCEEDED; result++) {
                struct report sent = REPORT_NONE, got;
                sent.stage = (enum report_stage)stage;
                sent.failure_class = (enum failure_class)failure_class;
                sent.result = (enum report_result)result;
                assert_int_equal(report_decode(js_keep(a, report_encode(&sent)), &got, NULL), 0);
                assert_int_equal(got.stage, sent.stage);
                assert_int_equal(got.failure_class, sent.failure_class);
                assert_int_equal(got.result, sent.result);
            }
}

/* An agent of a later release may say more than we know; what it says of its failure must not be lost. */
static void unknown_words_and_fields_of_a_report_are_skipped(void **state)
{
    struct arena *a CLEANUP(cleanup_arena) = arena_new();
    struct report got;
    json_t *tree = json_pack("{s:i, s:s, s:s, s:s, s:b}", "version", REPORT_VERSION, "stage", "dreaming",
                             "class", "Magic", "reason", "NoSuchReason", "later", 1);
    (void)state;
    assert_int_equal(report_decode(js_keep(a, tree), &got, NULL), 0);
    assert_int_equal(got.stage, STAGE_NONE);
    assert_int_equal(got.failure_class, CLASS_None);
    assert_string_equal(got.reason, "NoSuchReason");
    json_object_set_new(tree, "version", json_integer(2));
    assert_int_equal(report_decode(tree, &got, NULL), -1);
    assert_int_equal(report_decode(NULL, &got, NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_code_has_a_row_in_the_table_of_failures),
        cmocka_unit_test(a_failure_of_security_is_final_and_a_disruption_is_not),
        cmocka_unit_test(a_failure_is_worded_with_its_remedy),
        cmocka_unit_test(an_assignment_arrives_as_it_was_sent),
        cmocka_unit_test(every_member_of_an_assignment_is_sent),
        cmocka_unit_test(an_assignment_that_makes_no_sense_is_refused),
        cmocka_unit_test(a_report_arrives_as_it_was_sent),
        cmocka_unit_test(every_member_of_a_report_is_sent),
        cmocka_unit_test(every_stage_class_and_result_has_a_word),
        cmocka_unit_test(unknown_words_and_fields_of_a_report_are_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
