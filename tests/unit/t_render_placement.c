/* Where a worker may run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/labels.h"
#include "data/js.h"
#include "rendering.h"

#include "base/banned.h"

#define REQUIRED  "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
#define PREFERRED "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution"

/* The rules of the one term, as text. */
static void check_required(const struct rendering *r, const char *expected)
{
    const json_t *terms = js_at(r->pod, REQUIRED ".nodeSelectorTerms");
    assert_int_equal(json_array_size(terms), 1);
    char *text = json_dumps(js_at(json_array_get(terms, 0), "matchExpressions"), JSON_COMPACT);
    assert_string_equal(text, expected);
    free(text);
}

#define IS_SEV                                                                                               \
    "{\"key\":\"cloud.google.com/gke-confidential-nodes-instance-type\",\"operator\":\"In\","                \
    "\"values\":[\"SEV\"]}"
#define SPOT_IN_TRUE "{\"key\":\"cloud.google.com/gke-spot\",\"operator\":\"In\",\"values\":[\"true\"]}"

static const json_t *toleration_of(const struct rendering *r, const char *key)
{
    const json_t *list = js_at(r->pod, "spec.tolerations");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(js_text(json_array_get(list, i), "key"), key) == 0)
            return json_array_get(list, i);
    return NULL;
}

static void stays_off_spot_machines(void **state)
{
    struct rendering *r = *state;
    check_required(r, "[" IS_SEV ",{\"key\":\"cloud.google.com/gke-spot\",\"operator\":\"DoesNotExist\"}]");
    assert_null(js_at(r->pod, PREFERRED));
    assert_null(toleration_of(r, LABEL_NODE_SPOT));
}

static void prefers_spot_nodes(void **state)
{
    struct rendering *r = *state;
    render_with(r, "{'confidential': {'spot': 'Prefer'}}");
    check_required(r, "[" IS_SEV "]");
    const json_t *rules = js_at(json_array_get(js_at(r->pod, PREFERRED), 0), "preference.matchExpressions");
    char *text = json_dumps(rules, JSON_COMPACT);
    assert_string_equal(text, "[" SPOT_IN_TRUE "]");
    free(text);
    assert_string_equal(js_text(toleration_of(r, LABEL_NODE_SPOT), "value"), "true");
}

static void takes_spot_machines_only(void **state)
{
    struct rendering *r = *state;
    render_with(r, "{'confidential': {'spot': 'Only'}}");
    check_required(r, "[" IS_SEV "," SPOT_IN_TRUE "]");
    assert_null(js_at(r->pod, PREFERRED));
    assert_non_null(toleration_of(r, LABEL_NODE_SPOT));
}

static void requires_the_technology_of_the_attempt(void **state)
{
    struct rendering *r = *state;
    render_with(r, "{'confidential': {'technologies': ['TDX', 'SEV']}}");
    json_decref(r->pod);
    r->pod = rendered_worker(
        &r->job, &(struct worker){.attempt = 3, .index = 1, .technology = TECHNOLOGY_SEV, .group = ""});
    check_required(r, "[" IS_SEV ",{\"key\":\"cloud.google.com/gke-spot\",\"operator\":\"DoesNotExist\"}]");
}

static void names_its_compute_class(void **state)
{
    struct rendering *r = *state;
    assert_null(js_at(r->pod, "spec.nodeSelector"));
    render_with(r, "{'scheduling': {'computeClass': 'sealed', 'nodeSelector': {'disk': 'fast'}}}");
    const json_t *selector = js_at(r->pod, "spec.nodeSelector");
    assert_string_equal(json_string_value(json_object_get(selector, LABEL_NODE_COMPUTE_CLASS)), "sealed");
    assert_string_equal(js_text(selector, "disk"), "fast");
    const json_t *t = toleration_of(r, LABEL_NODE_COMPUTE_CLASS);
    assert_string_equal(js_text(t, "value"), "sealed");
    assert_string_equal(js_text(t, "effect"), "NoSchedule");
}

static void tolerates_the_taint_of_gpu_nodes_when_it_requests_a_gpu(void **state)
{
    struct rendering *r = *state;
    assert_null(toleration_of(r, RESOURCE_GPU));
    render_with(r, "{'trainer': {'resources': {'limits': {'nvidia.com/gpu': 1}}}}");
    assert_string_equal(js_text(toleration_of(r, RESOURCE_GPU), "operator"), "Exists");
    const json_t *limits = js_at(rendered_container(r->pod, "spec.containers", 0), "resources.limits");
    assert_int_equal(json_integer_value(json_object_get(limits, RESOURCE_GPU)), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rendering_setup, rendering_teardown)
    const struct CMUnitTest tests[] = {
        TEST(stays_off_spot_machines),  TEST(prefers_spot_nodes),
        TEST(takes_spot_machines_only), TEST(requires_the_technology_of_the_attempt),
        TEST(names_its_compute_class),  TEST(tolerates_the_taint_of_gpu_nodes_when_it_requests_a_gpu),
    };
    return cmocka_run_group_tests_name("render_placement", tests, NULL, NULL);
}
