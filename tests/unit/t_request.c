/* Actions as requests: method, path, body, and the preconditions in them. */
#include "shell/reconcile/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/labels.h"
#include "data/js.h"
#include "writing.h"

#include "base/banned.h"

#define JOBS     "/apis/cloister.dev/v1alpha1/namespaces/ml/trainingjobs"
#define POLICIES "/apis/networking.k8s.io/v1/namespaces/ml/networkpolicies"

static void assert_sent(struct writing *w, const struct action *a, const char *start)
{
    const char *text = writing_send(w, a)->text;
    if (strncmp(text, start, strlen(start)) != 0)
        fail_msg("expected %s, got %.*s", start, (int)strcspn(text, "\r"), text);
    writing_cancel(w);
}

static json_t *body_of(struct writing *w, const struct action *a)
{
    json_t *body = js_parse(view_from(apiserver_body(writing_send(w, a))), "the body", NULL);
    assert_non_null(body);
    writing_cancel(w);
    return body;
}

static void each_action_has_its_method_and_path(void **state)
{
    assert_sent(*state, &set_status, "PUT " JOBS "/digits/status HTTP");
    assert_sent(*state, &confirm, "GET " JOBS "?fieldSelector=metadata.name%3Ddigits HTTP");
    assert_sent(*state, &create_service, "POST /api/v1/namespaces/ml/services HTTP");
    assert_sent(*state, &create_policy, "POST " POLICIES " HTTP");
    assert_sent(*state, &update_policy, "PUT " POLICIES "/x HTTP");
    assert_sent(*state, &create_pod, "POST /api/v1/namespaces/ml/pods HTTP");
    assert_sent(*state, &delete_pod, "DELETE /api/v1/namespaces/ml/pods/x");
    assert_sent(*state, &end_group, "PATCH /api/v1/namespaces/ml/pods/x");
}

static void deletions_and_reads_have_their_method_and_path(void **state)
{
    assert_sent(*state, &delete_service, "DELETE /api/v1/namespaces/ml/services/x");
    assert_sent(*state, &delete_policy, "DELETE " POLICIES "/x");
    assert_sent(*state, &ask_autoscaler,
                "GET /api/v1/namespaces/ml/events?fieldSelector=involvedObject.uid%3Du1 HTTP");
}

static void a_status_is_written_only_over_the_version_that_was_planned_on(void **state)
{
    const struct writing *w = *state;
    json_t *body CLEANUP(js_free) = body_of(*state, &set_status);
    assert_string_equal(js_text(body, "metadata.resourceVersion"), "41");
    assert_string_equal(js_text(body, "metadata.uid"), w->r.job.uid);
    assert_string_equal(js_text(body, "status.phase"), "Running");
    assert_true(json_equal(json_object_get(body, "spec"), json_object_get(w->r.tree, "spec")));
}

static void a_policy_is_replaced_only_in_the_version_that_was_seen(void **state)
{
    json_t *body CLEANUP(js_free) = body_of(*state, &update_policy);
    assert_string_equal(js_text(body, "metadata.resourceVersion"), "7");
}

static void a_pod_is_the_worker_that_was_planned(void **state)
{
    json_t *body CLEANUP(js_free) = body_of(*state, &create_pod);
    assert_string_equal(js_text(body, "metadata.name"), "digits-worker-1-3");
    assert_string_equal(js_text(body, "kind"), "Pod");
}

static void deletions_name_the_uid_and_the_grace_period_of_a_pod(void **state)
{
    const struct action soon = {.kind = ACTION_DELETE_POD, .name = "x", .uid = "u1", .grace_seconds = 5};
    json_t *own CLEANUP(js_free) = body_of(*state, &delete_pod),
                *forced CLEANUP(js_free) = body_of(*state, &force_delete_pod),
                *given CLEANUP(js_free) = body_of(*state, &soon),
                *service CLEANUP(js_free) = body_of(*state, &delete_service);
    assert_string_equal(js_text(own, "preconditions.uid"), "u1");
    assert_null(json_object_get(own, "gracePeriodSeconds"));
    assert_int_equal(js_int(forced, "gracePeriodSeconds", -1), 0);
    assert_int_equal(js_int(given, "gracePeriodSeconds", -1), 5);
    assert_string_equal(js_text(service, "preconditions.uid"), "u1");
    assert_null(json_object_get(service, "gracePeriodSeconds"));
}

static void the_end_of_a_group_is_an_annotation_of_that_pod_and_no_other(void **state)
{
    json_t *body CLEANUP(js_free) = body_of(*state, &end_group);
    const json_t *annotations = js_at(body, "metadata.annotations");
    assert_string_equal(js_text(body, "metadata.uid"), "u1");
    assert_string_equal(json_string_value(json_object_get(annotations, ANNOTATION_GROUP_IS_RETRIED)),
                        ANNOTATION_GROUP_NOT_RETRIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_action_has_its_method_and_path, writing_setup, writing_teardown),
        cmocka_unit_test_setup_teardown(deletions_and_reads_have_their_method_and_path, writing_setup,
                                        writing_teardown),
        cmocka_unit_test_setup_teardown(a_status_is_written_only_over_the_version_that_was_planned_on,
                                        writing_setup, writing_teardown),
        cmocka_unit_test_setup_teardown(a_policy_is_replaced_only_in_the_version_that_was_seen, writing_setup,
                                        writing_teardown),
        cmocka_unit_test_setup_teardown(a_pod_is_the_worker_that_was_planned, writing_setup,
                                        writing_teardown),
        cmocka_unit_test_setup_teardown(deletions_name_the_uid_and_the_grace_period_of_a_pod, writing_setup,
                                        writing_teardown),
        cmocka_unit_test_setup_teardown(the_end_of_a_group_is_an_annotation_of_that_pod_and_no_other,
                                        writing_setup, writing_teardown),
    };
    return cmocka_run_group_tests_name("request", tests, apiserver_set_up, NULL);
}
