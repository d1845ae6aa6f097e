/* What Kueue finds on a worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/job_decode.h"
#include "api/labels.h"
#include "data/js.h"
#include "rendering.h"

#include "base/banned.h"

static const char *text_of(const json_t *pod, const char *where, const char *key)
{
    const char *text = json_string_value(json_object_get(js_at(pod, where), key));
    return text != NULL ? text : "";
}

static const char *label(const json_t *pod, const char *key)
{
    return text_of(pod, "metadata.labels", key);
}

static const char *annotation(const json_t *pod, const char *key)
{
    return text_of(pod, "metadata.annotations", key);
}

static void queue(struct rendering *r)
{
    json_t *metadata = json_object_get(r->object, "metadata");
    json_object_set_new(metadata, "labels",
                        json_pack("{s:s, s:s, s:s, s:s}", LABEL_QUEUE, "gpus", KUEUE_PREFIX "priority-class",
                                  "high", LABEL_GROUP, "mine", "team", "vision"));
    json_object_set_new(metadata, "annotations",
                        json_pack("{s:s, s:s, s:s, s:s}", KUEUE_PREFIX "podset-required-topology", "rack",
                                  ANNOTATION_GROUP_TOTAL, "99", ANNOTATION_GROUP_IS_RETRIED, "false", "note",
                                  "x"));
    assert_int_equal(job_decode(r->object, r->a, &r->job, NULL), 0);
    const struct worker w = {
        .attempt = 3, .index = 1, .technology = TECHNOLOGY_SEV, .group = "digits-1a2b3c4d-1"};
    json_decref(r->pod);
    r->pod = rendered_worker(&r->job, &w);
}

static void is_a_member_of_its_group(void **state)
{
    struct rendering *r = *state;
    queue(r);
    assert_string_equal(label(r->pod, LABEL_QUEUE), "gpus");
    assert_string_equal(label(r->pod, LABEL_GROUP), "digits-1a2b3c4d-1");
    assert_string_equal(label(r->pod, LABEL_GROUP_INDEX), "1");
    assert_string_equal(annotation(r->pod, ANNOTATION_GROUP_TOTAL), "2");
}

static void copies_the_jobs_kueue_labels_and_no_others(void **state)
{
    struct rendering *r = *state;
    queue(r);
    assert_string_equal(label(r->pod, KUEUE_PREFIX "priority-class"), "high");
    assert_string_equal(annotation(r->pod, KUEUE_PREFIX "podset-required-topology"), "rack");
    assert_string_equal(label(r->pod, "team"), "");
    assert_string_equal(annotation(r->pod, "note"), "");
    assert_string_equal(annotation(r->pod, ANNOTATION_GROUP_IS_RETRIED), "");
}

static void has_no_kueue_labels_without_a_queue(void **state)
{
    struct rendering *r = *state;
    char *text = json_dumps(js_at(r->pod, "metadata"), 0);
    assert_null(strstr(text, KUEUE_PREFIX));
    free(text);
}

/* All that Kueue hashes into a role must be equal: requests, ports, selector, affinity, tolerations, ... */
static void has_the_shape_of_the_other_workers(void **state)
{
    static const char *const same[] = {"affinity", "tolerations", "nodeSelector", "priorityClassName",
                                       "runtimeClassName"};
    struct rendering *r = *state;
    render_with(r, "{'scheduling': {'computeClass': 'c', 'nodeSelector': {'a': 'b'}},"
                   " 'trainer': {'ports': [{'name': 'p', 'containerPort': 1, 'protocol': 'TCP'}]}}");
    const struct worker w = {.attempt = 3, .technology = TECHNOLOGY_SEV, .group = "g"};
    json_t *other = rendered_worker(&r->job, &w);
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        const json_t *a = json_object_get(js_at(r->pod, "spec"), same[i]);
        const json_t *b = json_object_get(js_at(other, "spec"), same[i]);
        assert_true((a == NULL && b == NULL) || json_equal(a, b));
    }
    assert_true(json_equal(js_at(rendered_container(r->pod, "spec.containers", 0), "resources"),
                           js_at(rendered_container(other, "spec.containers", 0), "resources")));
    assert_true(json_equal(js_at(rendered_container(r->pod, "spec.containers", 0), "ports"),
                           js_at(rendered_container(other, "spec.containers", 0), "ports")));
    json_decref(other);
}

static struct pod_facts *facts_of(const json_t *pod)
{
    char *text = js_dump(pod);
    struct pod_facts *f = pod_facts_new(view_from(text), NULL);
    free(text);
    return f;
}

/* A queue adds labels of its flavor to the selector; that is no change, and it is seen. */
static void detects_what_a_queue_has_added(void **state)
{
    struct rendering *r = *state;
    queue(r);
    json_object_set_new(json_object_get(r->pod, "metadata"), "uid", json_string("u"));
    json_t *spec = json_object_get(r->pod, "spec");
    json_object_set_new(spec, "schedulingGates", json_pack("[{s:s}]", "name", KUEUE_PREFIX "admission"));
    struct pod_facts *f = facts_of(r->pod);
    assert_true(f->is_gated && !f->is_group_over && !f->is_changed);
    assert_int_equal(f->selection, SELECTION_SILENT);
    free(f);
    json_object_del(spec, "schedulingGates");
    json_object_set_new(spec, "nodeSelector",
                        json_pack("{s:s, s:s}", LABEL_NODE_TECHNOLOGY, "SEV", "pool", "a"));
    f = facts_of(r->pod);
    assert_false(f->is_gated || f->is_changed);
    assert_int_equal(f->selection, SELECTION_SAME);
    assert_int_equal(f->selector_count, 2);
    assert_string_equal(f->group, "digits-1a2b3c4d-1");
    free(f);
    json_object_set_new(json_object_get(spec, "nodeSelector"), LABEL_NODE_TECHNOLOGY, json_string("TDX"));
    json_object_set_new(json_object_get(json_object_get(r->pod, "metadata"), "annotations"),
                        ANNOTATION_GROUP_IS_RETRIED, json_string("false"));
    f = facts_of(r->pod);
    assert_int_equal(f->selection, SELECTION_OTHER);
    assert_true(f->is_group_over);
    free(f);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rendering_setup, rendering_teardown)
    const struct CMUnitTest tests[] = {
        TEST(is_a_member_of_its_group),
        TEST(copies_the_jobs_kueue_labels_and_no_others),
        TEST(has_no_kueue_labels_without_a_queue),
        TEST(has_the_shape_of_the_other_workers),
        TEST(detects_what_a_queue_has_added),
    };
    return cmocka_run_group_tests_name("render_queueing", tests, NULL, NULL);
}
