/* What an event says of a job, and which events are the same one again. */
#include "core/render/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "data/js.h"

#include "base/banned.h"

static const struct job job = {.ns = "ml", .name = "digits", .uid = "1a2b3c4d-5e6f"};

static const struct action of_job = {.type = "Normal", .reason = "JobSuspended", .note = "it rests"};
static const struct action of_ops = {
    .type = "Warning", .reason = "NotificationFailed", .note = "no", .part = "spec.notifications{ops}"};
static const struct action of_audit = {
    .type = "Warning", .reason = "NotificationFailed", .note = "no", .part = "spec.notifications{audit}"};

static bool are_one(const struct action *a, const struct action *b)
{
    char *first CLEANUP(cleanup_free) = event_key(a);
    char *second CLEANUP(cleanup_free) = event_key(b);
    return strcmp(first, second) == 0;
}

static struct action with_note(struct action a, const char *note)
{
    a.note = note;
    return a;
}

static struct action with_pod(struct action a, const char *pod)
{
    a.pod = pod;
    return a;
}

static void an_event_with_another_note_repeats_the_first(void **state)
{
    const struct action again = with_note(of_ops, "still not");
    (void)state;
    assert_true(are_one(&of_job, &of_job));
    assert_true(are_one(&of_ops, &again));
    assert_false(are_one(&of_job, &of_ops));
}

static void an_event_about_another_pod_or_part_is_a_new_one(void **state)
{
    const struct action worker_0 = with_pod(of_job, "w-0"), worker_1 = with_pod(of_job, "w-1");
    (void)state;
    assert_false(are_one(&of_ops, &of_audit));
    assert_false(are_one(&worker_0, &worker_1));
    assert_false(are_one(&of_job, &worker_0));
}

static void an_event_names_the_job_and_its_part(void **state)
{
    json_t *whole CLEANUP(js_free) = event_render(&job, &of_job, "digits.1", "operator-0", 1500000);
    json_t *part CLEANUP(js_free) = event_render(&job, &of_ops, "digits.2", "operator-0", 1500000);
    (void)state;
    assert_string_equal(js_text(whole, "eventTime"), "1970-01-01T00:00:01.500000Z");
    assert_string_equal(js_text(whole, "metadata.name"), "digits.1");
    assert_string_equal(js_text(whole, "metadata.namespace"), "ml");
    assert_string_equal(js_text(whole, "reportingInstance"), "operator-0");
    assert_string_equal(js_text(whole, "regarding.uid"), "1a2b3c4d-5e6f");
    assert_null(js_at(whole, "regarding.fieldPath"));
    assert_null(js_at(whole, "related"));
    assert_string_equal(js_text(part, "regarding.uid"), "1a2b3c4d-5e6f");
    assert_string_equal(js_text(part, "regarding.fieldPath"), "spec.notifications{ops}");
}

static void an_event_about_a_worker_names_its_pod(void **state)
{
    const struct action worker = with_pod(of_job, "digits-worker-0-1");
    json_t *event CLEANUP(js_free) = event_render(&job, &worker, "digits.1", "operator-0", 0);
    (void)state;
    assert_string_equal(js_text(event, "related.kind"), "Pod");
    assert_string_equal(js_text(event, "related.namespace"), "ml");
    assert_string_equal(js_text(event, "related.name"), "digits-worker-0-1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_with_another_note_repeats_the_first),
        cmocka_unit_test(an_event_about_another_pod_or_part_is_a_new_one),
        cmocka_unit_test(an_event_names_the_job_and_its_part),
        cmocka_unit_test(an_event_about_a_worker_names_its_pod),
    };
    return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
