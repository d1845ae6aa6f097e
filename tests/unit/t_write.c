/* What the answer to each kind of write means for the reconcile. */
#include "shell/reconcile/write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "writing.h"

#include "base/banned.h"

#define FAILURE(reason)                                                                                      \
    "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"" reason "\",\"message\":\"said so\"}"
#define OBJECT "{\"metadata\":{\"name\":\"x\",\"uid\":\"u1\",\"resourceVersion\":\"42\"}}"

/* The only expectation, or NULL. */
static const struct expectation *expected(const struct writing *w)
{
    const struct expectation *x = w->r.item->expectations.first;
    assert_true(x == NULL || x->next == NULL);
    return x;
}

static void assert_expected(const struct writing *w, enum expectation_kind kind, enum cache cache,
                            const char *name, const char *text)
{
    const struct expectation *x = expected(w);
    assert_non_null(x);
    assert_int_equal(x->kind, kind);
    assert_int_equal(x->cache, cache);
    assert_string_equal(x->name, name);
    if (text != NULL)
        assert_string_equal(kind == EXPECT_VERSION ? x->version : x->uid, text);
}

/* ---- successes ---- */
static void after_a_status_the_cache_has_to_show_its_version(void **state)
{
    struct writing *w = *state;
    writing_answer(w, writing_send(w, &set_status), "200 OK", OBJECT);
    assert_expected(w, EXPECT_VERSION, CACHE_JOBS, "digits", "42");
    assert_true(w->r.item->status_after_ms > 0);
    assert_false(w->r.is_failed);
}

static void after_a_create_the_cache_has_to_show_the_object(void **state)
{
    struct writing *w = *state;
    writing_answer(w, writing_send(w, &create_pod), "201 Created", OBJECT);
    assert_expected(w, EXPECT_THERE, CACHE_PODS, "x", "u1");
    assert_true(w->r.is_created);
}

static void after_an_update_the_cache_has_to_show_its_version(void **state)
{
    struct writing *w = *state;
    writing_answer(w, writing_send(w, &update_policy), "200 OK", OBJECT);
    assert_expected(w, EXPECT_VERSION, CACHE_POLICIES, "x", "42");
}

static void after_a_deletion_the_cache_has_to_show_it(void **state)
{
    struct writing *w = *state;
    writing_answer(w, writing_send(w, &delete_pod), "200 OK", OBJECT);
    assert_expected(w, EXPECT_LEAVING, CACHE_PODS, "x", "u1");
}

static void after_a_forced_deletion_the_pod_has_to_be_gone(void **state)
{
    struct writing *w = *state;
    writing_answer(w, writing_send(w, &force_delete_pod), "200 OK",
                   "{\"kind\":\"Status\",\"status\":\"Success\"}");
    assert_expected(w, EXPECT_FORCED, CACHE_PODS, "x", "u1");
}

static void what_is_deleted_already_or_replaced_counts_as_deleted(void **state)
{
    struct writing *w = *state;
    writing_answer(w, writing_send(w, &delete_service), "404 Not Found", FAILURE("NotFound"));
    assert_expected(w, EXPECT_LEAVING, CACHE_SERVICES, "x", "u1");
    assert_false(w->r.is_failed);
}

static void an_object_with_another_uid_is_left_alone(void **state)
{
    struct writing *w = *state;
    writing_answer(w, writing_send(w, &delete_policy), "409 Conflict", FAILURE("Conflict"));
    assert_expected(w, EXPECT_LEAVING, CACHE_POLICIES, "x", "u1");
    assert_false(w->r.is_failed);
}

static void the_group_of_a_pod_that_is_gone_is_left_to_the_next_plan(void **state)
{
    struct writing *w = *state;
    writing_answer(w, writing_send(w, &end_group), "404 Not Found", FAILURE("NotFound"));
    assert_null(expected(w));
    assert_false(w->r.is_failed);
}

/* ---- creates that do not go through ---- */
static void a_denied_create_is_a_refusal_in_the_words_of_the_api_server(void **state)
{
    struct writing *w = *state;
    writing_answer(w, writing_send(w, &create_pod), "403 Forbidden", FAILURE("Forbidden"));
    struct refusal refusal = queue_item_refusal(w->r.item);
    assert_true(w->r.is_refused);
    assert_false(w->r.is_failed);
    assert_null(expected(w));
    assert_int_equal(refusal.child.kind, CHILD_POD);
    assert_string_equal(refusal.child.name, "x");
    assert_non_null(strstr(refusal.message, "said so"));
    assert_int_equal(refusal.count, 1);
}

static void an_invalid_object_is_a_refusal(void **state)
{
    struct writing *w = *state;
    writing_answer(w, writing_send(w, &create_service), "422 Unprocessable Entity", FAILURE("Invalid"));
    assert_true(w->r.is_refused);
    assert_int_equal(queue_item_refusal(w->r.item).child.kind, CHILD_SERVICE);
}

static void further_refusals_of_one_reconcile_count_once(void **state)
{
    struct writing *w = *state;
    w->r.is_refused = true;
    queue_item_note_refusal(w->r.item, &(struct child_ref){CHILD_POD, "y", 3}, "first");
    writing_answer(w, writing_send(w, &create_pod), "403 Forbidden", FAILURE("Forbidden"));
    assert_string_equal(queue_item_refusal(w->r.item).child.name, "x");
    assert_int_equal(queue_item_refusal(w->r.item).count, 1);
}

/* The create meets an object of its name; the list of that name has `items`. */
static void meet(struct writing *w, const char *items)
{
    char *list CLEANUP(cleanup_free) = xasprintf("{\"items\":[%s]}", items);
    apiserver_answer(writing_send(w, &create_pod), "409 Conflict", FAILURE("AlreadyExists"));
    struct visit *lookup = apiserver_next(&w->server);
    const char start[] = "GET /api/v1/namespaces/ml/pods?fieldSelector=metadata.name%3Dx HTTP";
    assert_memory_equal(lookup->text, start, strlen(start));
    writing_answer(w, lookup, "200 OK", list);
}

static void an_object_that_an_earlier_try_created_counts_as_created(void **state)
{
    struct writing *w = *state;
    meet(w, "{\"metadata\":{\"name\":\"x\",\"uid\":\"u2\",\"ownerReferences\":[{\"controller\":true,"
            "\"uid\":\"1a2b3c4d-5e6f\"}]}}");
    assert_expected(w, EXPECT_THERE, CACHE_PODS, "x", "u2");
    assert_true(w->r.is_created);
}

static void an_object_of_somebody_else_is_a_refusal(void **state)
{
    struct writing *w = *state;
    meet(w, "{\"metadata\":{\"name\":\"x\",\"uid\":\"u2\",\"ownerReferences\":[{\"controller\":true,"
            "\"uid\":\"another\"}]}}");
    assert_true(w->r.is_refused);
    assert_non_null(strstr(queue_item_refusal(w->r.item).message, "is not owned by this job; delete it"));
    assert_null(expected(w));
}

static void an_object_that_is_gone_when_it_is_looked_for_is_tried_again(void **state)
{
    struct writing *w = *state;
    meet(w, "");
    assert_true(w->r.is_failed);
    assert_false(w->r.is_refused);
    assert_null(expected(w));
}

/* ---- failures ---- */
static void a_conflict_fails_and_leaves_nothing_unknown(void **state)
{
    struct writing *w = *state;
    writing_answer(w, writing_send(w, &set_status), "409 Conflict", FAILURE("Conflict"));
    assert_true(w->r.is_failed);
    assert_null(expected(w));
}

static void a_lost_answer_asks_for_a_list(void **state)
{
    struct writing *w = *state;
    struct visit *v = writing_send(w, &create_pod);
    writing_answer(w, v, "200 OK\r\nTransfer-Encoding: chunked", "no chunk");
    assert_true(w->r.is_failed);
    assert_expected(w, EXPECT_LIST, CACHE_PODS, "x", NULL);
}

static void an_answer_that_is_not_the_api_servers_asks_for_a_list(void **state)
{
    struct writing *w = *state;
    writing_answer(w, writing_send(w, &delete_pod), "200 OK", "{\"welcome\":\"log in\"}");
    assert_true(w->r.is_failed);
    assert_expected(w, EXPECT_LIST, CACHE_PODS, "x", NULL);
}

static void an_api_server_that_asks_to_wait_is_waited_for(void **state)
{
    struct writing *w = *state;
    writing_answer(w, writing_send(w, &create_service), "429 Too Many Requests\r\nRetry-After: 7",
                   FAILURE("TooManyRequests"));
    assert_true(w->r.is_failed);
    assert_false(w->r.is_refused);
    assert_int_equal(w->r.retry_ms, 7000);
}

/* ---- reads ---- */
static void an_unchanged_job_is_confirmed(void **state)
{
    struct writing *w = *state;
    writing_answer(w, writing_send(w, &confirm), "200 OK",
                   "{\"items\":[{\"metadata\":{\"resourceVersion\":\"41\"}}]}");
    assert_false(w->r.is_failed);
    assert_null(expected(w));
}

static void a_job_that_has_changed_since_fails_the_reconcile(void **state)
{
    struct writing *w = *state;
    writing_answer(w, writing_send(w, &confirm), "200 OK",
                   "{\"items\":[{\"metadata\":{\"resourceVersion\":\"42\"}}]}");
    assert_true(w->r.is_failed);
    assert_null(expected(w));
}

static void a_read_that_fails_leaves_nothing_unknown(void **state)
{
    struct writing *w = *state;
    writing_answer(w, writing_send(w, &confirm), "500 Internal Server Error", FAILURE("InternalError"));
    assert_true(w->r.is_failed);
    assert_null(expected(w));
}

static void what_the_autoscaler_says_is_kept_and_planned_on(void **state)
{
    struct writing *w = *state;
    writing_answer(w, writing_send(w, &ask_autoscaler), "200 OK", "{\"items\":[]}");
    assert_string_equal(queue_item_scaling(w->r.item).pod_uid, "u1");
    assert_true(w->r.item->is_dirty);
}

static void an_autoscaler_that_is_not_heard_does_not_fail_the_reconcile(void **state)
{
    struct writing *w = *state;
    writing_answer(w, writing_send(w, &ask_autoscaler), "403 Forbidden", FAILURE("Forbidden"));
    assert_string_equal(queue_item_scaling(w->r.item).pod_uid, "u1");
    assert_false(w->r.is_failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(after_a_status_the_cache_has_to_show_its_version, writing_setup,
                                        writing_teardown),
        cmocka_unit_test_setup_teardown(after_a_create_the_cache_has_to_show_the_object, writing_setup,
                                        writing_teardown),
        cmocka_unit_test_setup_teardown(after_an_update_the_cache_has_to_show_its_version, writing_setup,
                                        writing_teardown),
        cmocka_unit_test_setup_teardown(after_a_deletion_the_cache_has_to_show_it, writing_setup,
                                        writing_teardown),
        cmocka_unit_test_setup_teardown(after_a_forced_deletion_the_pod_has_to_be_gone, writing_setup,
                                        writing_teardown),
        cmocka_unit_test_setup_teardown(what_is_deleted_already_or_replaced_counts_as_deleted, writing_setup,
                                        writing_teardown),
        cmocka_unit_test_setup_teardown(an_object_with_another_uid_is_left_alone, writing_setup,
                                        writing_teardown),
        cmocka_unit_test_setup_teardown(the_group_of_a_pod_that_is_gone_is_left_to_the_next_plan,
                                        writing_setup, writing_teardown),
        cmocka_unit_test_setup_teardown(a_denied_create_is_a_refusal_in_the_words_of_the_api_server,
                                        writing_setup, writing_teardown),
        cmocka_unit_test_setup_teardown(an_invalid_object_is_a_refusal, writing_setup, writing_teardown),
        cmocka_unit_test_setup_teardown(further_refusals_of_one_reconcile_count_once, writing_setup,
                                        writing_teardown),
        cmocka_unit_test_setup_teardown(an_object_that_an_earlier_try_created_counts_as_created,
                                        writing_setup, writing_teardown),
        cmocka_unit_test_setup_teardown(an_object_of_somebody_else_is_a_refusal, writing_setup,
                                        writing_teardown),
        cmocka_unit_test_setup_teardown(an_object_that_is_gone_when_it_is_looked_for_is_tried_again,
                                        writing_setup, writing_teardown),
        cmocka_unit_test_setup_teardown(a_conflict_fails_and_leaves_nothing_unknown, writing_setup,
                                        writing_teardown),
        cmocka_unit_test_setup_teardown(a_lost_answer_asks_for_a_list, writing_setup, writing_teardown),
        cmocka_unit_test_setup_teardown(an_answer_that_is_not_the_api_servers_asks_for_a_list, writing_setup,
                                        writing_teardown),
        cmocka_unit_test_setup_teardown(an_api_server_that_asks_to_wait_is_waited_for, writing_setup,
                                        writing_teardown),
        cmocka_unit_test_setup_teardown(an_unchanged_job_is_confirmed, writing_setup, writing_teardown),
        cmocka_unit_test_setup_teardown(a_job_that_has_changed_since_fails_the_reconcile, writing_setup,
                                        writing_teardown),
        cmocka_unit_test_setup_teardown(a_read_that_fails_leaves_nothing_unknown, writing_setup,
                                        writing_teardown),
        cmocka_unit_test_setup_teardown(what_the_autoscaler_says_is_kept_and_planned_on, writing_setup,
                                        writing_teardown),
        cmocka_unit_test_setup_teardown(an_autoscaler_that_is_not_heard_does_not_fail_the_reconcile,
                                        writing_setup, writing_teardown),
    };
    return cmocka_run_group_tests_name("write", tests, apiserver_set_up, NULL);
}
