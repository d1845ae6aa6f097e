#include "core/render/worker_assignment.h"
#include "agentapi/pod.h"
#include "core/render/worker_pod.h"
#include "core/render/service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/model/fingerprint.h"
#include "data/field.h"
#include "data/js.h"
#include "api/labels.h"
#include "data/quantity.h"

#include "rendering.h"

#include "base/banned.h"

static void gives_the_same_bytes_for_the_same_job(void **state)
{
    struct rendering *f = *state;
    json_t *again = rendered_pod(&f->job);
    char *one = json_dumps(f->pod, 0);
    char *other = json_dumps(again, 0);
    assert_string_equal(one, other);
    free(one);
    free(other);
    json_decref(again);
}

static void names_and_labels_a_worker(void **state)
{
    struct rendering *f = *state;
    assert_string_equal(js_text(f->pod, "metadata.name"), "digits-worker-1-3");
    assert_string_equal(js_text(f->pod, "spec.hostname"), "digits-worker-1");
    assert_string_equal(js_text(f->pod, "spec.subdomain"), "digits-workers");
    const json_t *labels = js_at(f->pod, "metadata.labels");
    assert_string_equal(json_string_value(json_object_get(labels, LABEL_JOB_UID)), "1a2b3c4d-5e6f");
    assert_string_equal(json_string_value(json_object_get(labels, LABEL_ATTEMPT)), "3");
    assert_string_equal(json_string_value(json_object_get(labels, LABEL_INDEX)), "1");
    const json_t *owner = json_array_get(js_at(f->pod, "metadata.ownerReferences"), 0);
    assert_string_equal(js_text(owner, "uid"), "1a2b3c4d-5e6f");
    assert_true(json_is_true(js_at(owner, "controller")));
}

static void may_run_on_confidential_nodes_only(void **state)
{
    struct rendering *f = *state;
    const json_t *terms = js_at(f->pod, "spec.affinity.nodeAffinity"
                                        ".requiredDuringSchedulingIgnoredDuringExecution"
                                        ".nodeSelectorTerms");
    assert_int_equal(json_array_size(terms), 1);
    const json_t *rules = js_at(json_array_get(terms, 0), "matchExpressions");
    assert_int_equal(json_array_size(rules), 2);
    assert_string_equal(js_text(json_array_get(rules, 0), "key"), LABEL_NODE_TECHNOLOGY);
    const json_t *values = js_at(json_array_get(rules, 0), "values");
    assert_int_equal(json_array_size(values), 1);
    assert_string_equal(json_string_value(json_array_get(values, 0)), "SEV");
}

static void check_restricted(const json_t *one)
{
    assert_true(json_is_false(js_at(one, "securityContext.allowPrivilegeEscalation")));
    assert_true(json_is_true(js_at(one, "securityContext.readOnlyRootFilesystem")));
    const json_t *drop = js_at(one, "securityContext.capabilities.drop");
    assert_string_equal(json_string_value(json_array_get(drop, 0)), "ALL");
}

static void leaves_an_unreachable_node_after_a_time(void **state)
{
    struct rendering *f = *state;
    const json_t *list = js_at(f->pod, "spec.tolerations");
    assert_int_equal(json_array_size(list), 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *one = json_array_get(list, i);
        assert_string_equal(js_text(one, "key"),
                            i == 0 ? "node.kubernetes.io/not-ready" : "node.kubernetes.io/unreachable");
        assert_string_equal(js_text(one, "effect"), "NoExecute");
        assert_int_equal(json_integer_value(js_at(one, "tolerationSeconds")), 60);
    }
}

static void is_restricted_in_every_container(void **state)
{
    struct rendering *f = *state;
    assert_int_equal(json_array_size(js_at(f->pod, "spec.initContainers")), 2);
    assert_int_equal(json_array_size(js_at(f->pod, "spec.containers")), 1);
    check_restricted(rendered_container(f->pod, "spec.initContainers", 0));
    check_restricted(rendered_container(f->pod, "spec.initContainers", 1));
    check_restricted(rendered_container(f->pod, "spec.containers", 0));
    assert_true(json_is_true(js_at(f->pod, "spec.securityContext.runAsNonRoot")));
    assert_int_equal(json_integer_value(js_at(f->pod, "spec.securityContext.runAsUser")), 65532);
    assert_true(json_is_false(js_at(f->pod, "spec.automountServiceAccountToken")));
}

static void keeps_every_volume_in_memory(void **state)
{
    struct rendering *f = *state;
    const json_t *volumes = js_at(f->pod, "spec.volumes");
    assert_true(json_array_size(volumes) > 0);
    for (size_t i = 0; i < json_array_size(volumes); i++)
        assert_string_equal(js_text(json_array_get(volumes, i), "emptyDir.medium"), "Memory");
}

/* The agent writes the inputs and is charged for them; the trainer for the outputs. */
static void charges_memory_volumes_to_the_container_that_writes_them(void **state)
{
    struct rendering *f = *state;
    const json_t *agent = rendered_container(f->pod, "spec.initContainers", 1);
    const json_t *trainer = rendered_container(f->pod, "spec.containers", 0);
    int64_t n = 0;
    assert_int_equal(quantity_from_json(js_at(agent, "resources.limits.memory"), &n), 0);
    assert_int_equal(n, (INT64_C(64) << 20) + (INT64_C(1) << 30));
    assert_int_equal(quantity_from_json(js_at(trainer, "resources.limits.memory"), &n), 0);
    assert_int_equal(n, (INT64_C(64) << 20) + (INT64_C(2) << 30));
    assert_string_equal(js_text(trainer, "resources.requests.memory"),
                        js_text(trainer, "resources.limits.memory"));
}

static void runs_the_command_under_the_shim(void **state)
{
    struct rendering *f = *state;
    const json_t *trainer = rendered_container(f->pod, "spec.containers", 0);
    const json_t *command = js_at(trainer, "command");
    size_t n = json_array_size(command);
    assert_string_equal(json_string_value(json_array_get(command, 0)), "/cloister/bin/cloister-exec");
    assert_string_equal(json_string_value(json_array_get(command, n - 3)), "--");
    assert_string_equal(json_string_value(json_array_get(command, n - 2)), "/train");
    assert_string_equal(rendered_variable(trainer, "CLOISTER_RANK"), "1");
    assert_string_equal(rendered_variable(trainer, "CLOISTER_WORLD_SIZE"), "2");
    assert_string_equal(rendered_variable(trainer, "CLOISTER_COORDINATOR"), "digits-worker-0.digits-workers");
    assert_string_equal(rendered_variable(trainer, "CLOISTER_HOSTS"),
                        "digits-worker-0.digits-workers,digits-worker-1.digits-workers");
    assert_string_equal(rendered_variable(trainer, "LR"), "0.1");
    assert_string_equal(rendered_variable(trainer, ENV_ASSIGNMENT), "");
}

static json_t *agent_plan(struct rendering *f, int32_t attempt, int32_t index)
{
    char *text = render_assignment(&f->job, &rendering_config,
                                   &(struct worker){.attempt = attempt, .index = index, .group = ""});
    assert_null(strchr(text, '$'));
    json_t *plan = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(plan);
    free(text);
    return plan;
}

static void gives_each_attempt_its_own_output_folder(void **state)
{
    struct rendering *f = *state;
    json_t *plan = agent_plan(f, 3, 1);
    assert_string_equal(js_text(plan, "output.uri"), "gs://b/models/digits-1a2b3c4d/3/");
    assert_string_equal(js_text(plan, "checkpoints.uri"), "gs://b/ckpt/digits-1a2b3c4d/");
    assert_string_equal(js_text(plan, "checkpoints.anchor"), "");
    assert_true(json_is_false(js_at(plan, "output.publish")));
    assert_int_equal(json_integer_value(js_at(plan, "attempt")), 3);
    assert_string_equal(js_text(json_array_get(js_at(plan, "keys"), 0), "kmsKeyName"), "projects/$p");
    json_decref(plan);
    plan = agent_plan(f, 3, 0);
    assert_true(json_is_true(js_at(plan, "output.publish")));
    json_decref(plan);
}

static void passes_the_newest_checkpoint_as_anchor(void **state)
{
    struct rendering *f = *state;
    f->job.status.checkpoint.manifest_sha256 = "5ac1";
    json_t *plan = agent_plan(f, 3, 1);
    assert_string_equal(js_text(plan, "checkpoints.anchor"), "5ac1");
    json_decref(plan);
}

static void set_deep(json_t *pod, const char *list, size_t i, const char *field, json_t *value)
{
    json_t *one = json_array_get(json_object_get(json_object_get(pod, "spec"), list), i);
    assert_non_null(one);
    json_object_set_new(one, field, value);
}

static void fingerprint(const json_t *pod, char out[FINGERPRINT_SIZE])
{
    char *text = js_dump(json_object_get(pod, "spec"));
    pod_fingerprint(view_from(text), out);
    free(text);
}

static void detects_changes_of_a_pod(void **state)
{
    struct rendering *f = *state;
    char sent[FINGERPRINT_SIZE];
    char now[FINGERPRINT_SIZE];
    fingerprint(f->pod, sent);
    assert_string_equal(
        json_string_value(json_object_get(js_at(f->pod, "metadata.annotations"), ANNOTATION_FINGERPRINT)),
        sent);

    json_t *as_stored = json_deep_copy(f->pod);
    json_t *spec = json_object_get(as_stored, "spec");
    json_object_set_new(spec, "dnsPolicy", json_string("ClusterFirst"));
    json_object_set_new(spec, "nodeName", json_string("cc-0"));
    set_deep(as_stored, "containers", 0, "terminationMessagePath", json_string("/dev/termination-log"));
    set_deep(as_stored, "containers", 0, "imagePullPolicy", json_string("IfNotPresent"));
    fingerprint(as_stored, now);
    assert_string_equal(now, sent);

    set_deep(as_stored, "containers", 0, "image", json_string("other"));
    fingerprint(as_stored, now);
    assert_string_not_equal(now, sent);
    set_deep(as_stored, "containers", 0, "image", json_string("i@sha256:22"));
    json_array_append_new(json_object_get(spec, "containers"), json_pack("{s:s}", "name", "spy"));
    fingerprint(as_stored, now);
    assert_string_not_equal(now, sent);
    json_decref(as_stored);
}

static void publishes_host_names_before_workers_are_ready(void **state)
{
    struct rendering *f = *state;
    json_t *service = render_service(&f->job);
    assert_string_equal(js_text(service, "metadata.name"), "digits-workers");
    assert_string_equal(js_text(service, "spec.clusterIP"), "None");
    assert_true(json_is_true(js_at(service, "spec.publishNotReadyAddresses")));
    json_decref(service);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rendering_setup, rendering_teardown)
    const struct CMUnitTest tests[] = {
        TEST(gives_the_same_bytes_for_the_same_job),
        TEST(names_and_labels_a_worker),
        TEST(may_run_on_confidential_nodes_only),
        TEST(is_restricted_in_every_container),
        TEST(keeps_every_volume_in_memory),
        TEST(charges_memory_volumes_to_the_container_that_writes_them),
        TEST(runs_the_command_under_the_shim),
        TEST(gives_each_attempt_its_own_output_folder),
        TEST(passes_the_newest_checkpoint_as_anchor),
        TEST(detects_changes_of_a_pod),
        TEST(publishes_host_names_before_workers_are_ready),
        TEST(leaves_an_unreachable_node_after_a_time),
    };
    return cmocka_run_group_tests_name("render", tests, NULL, NULL);
}
