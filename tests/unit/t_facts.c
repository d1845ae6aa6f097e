#include "core/model/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <malloc.h>
#include <string.h>

#include <cmocka.h>

#include "core/model/fingerprint.h"
#include "data/js.h"

#include "base/banned.h"

/* As the API server and a kubelet write it; a second owner that is no controller stands first. */
static const char pod_text[] =
    "{'metadata': {'name': 'digits-worker-1-3', 'namespace': 'ml', 'uid': 'u1', 'resourceVersion': '9',"
    "  'creationTimestamp': '2026-01-01T12:00:00Z',"
    "  'labels': {'cloister.dev/job-name': 'digits', 'cloister.dev/job-uid': 'job-1',"
    "   'cloister.dev/attempt': '3', 'cloister.dev/index': '1'},"
    "  'annotations': {},"
    "  'ownerReferences': [{'uid': 'other'}, {'uid': 'job-1', 'controller': true}]},"
    " 'spec': {'nodeName': 'cc-0', 'containers': [{'name': 'trainer', 'image': 'i'}]},"
    " 'status': {'phase': 'Running', 'startTime': '2026-01-01T12:00:02Z',"
    "  'conditions': [{'type': 'Ready', 'status': 'True'},"
    "   {'type': 'DisruptionTarget', 'status': 'True', 'reason': 'EvictionByEvictionAPI', 'message': "
    "'drain'}],"
    "  'initContainerStatuses': [{'name': 'cloister-agent', 'imageID': 'a', 'restartCount': 2,"
    "    'state': {'running': {}}, 'lastState': {'terminated': {'finishedAt': '2026-01-01T12:00:30Z'}}}],"
    "  'containerStatuses': [{'name': 'trainer', 'imageID': 'sha256:1', 'state': {'terminated':"
    "    {'exitCode': 137, 'signal': 9, 'reason': 'OOMKilled', 'finishedAt': '2026-01-01T12:01:00Z'}}}]}}";

static json_t *pod_object(void)
{
    char text[sizeof(pod_text)];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = pod_text[i] == '\'' ? '"' : pod_text[i];
    json_t *pod = json_loads(text, 0, NULL);
    assert_non_null(pod);
    return pod;
}

static struct pod_facts *reduce(const json_t *pod, const struct pod_facts *previous)
{
    char *text = js_dump(pod);
    struct pod_facts *f = pod_facts_new(view_from(text), previous);
    free(text); /* the facts stand alone */
    return f;
}

static json_t *metadata(json_t *pod)
{
    return json_object_get(pod, "metadata");
}

static void set_image(json_t *pod, const char *id)
{
    json_t *list = json_object_get(json_object_get(pod, "status"), "containerStatuses");
    json_object_set_new(json_array_get(list, 0), "imageID", json_string(id));
}

static void reduces_a_pod_to_its_facts(void **state)
{
    (void)state;
    json_t *pod = pod_object();
    struct pod_facts *f = reduce(pod, NULL);
    json_decref(pod); /* the facts stand alone */
    assert_string_equal(f->name, "digits-worker-1-3");
    assert_string_equal(f->owner_uid, "job-1");
    assert_string_equal(f->job_uid, "job-1");
    assert_string_equal(f->node, "cc-0");
    assert_int_equal(f->attempt, 3);
    assert_int_equal(f->index, 1);
    assert_int_equal(f->started_us - f->created_us, 2000000);
    assert_true(f->is_ready);
    assert_false(f->is_deleting);
    assert_int_equal(f->phase, POD_RUNNING);
    assert_string_equal(f->disruption_reason, "EvictionByEvictionAPI");
    assert_int_equal(f->agent.state, CONTAINER_RUNNING);
    assert_int_equal(f->agent.restarts, 2);
    assert_int_equal(f->agent.finished_us - f->created_us, 30000000);
    assert_int_equal(f->trainer.state, CONTAINER_TERMINATED);
    assert_int_equal(f->trainer.exit_code, 137);
    assert_int_equal(f->trainer.signal, 9);
    assert_string_equal(f->trainer.reason, "OOMKilled");
    assert_int_equal(f->install.state, CONTAINER_NONE);
    free(f);
}

/* Names as GKE gives them, all containers running. */
static json_t *usual_pod(void)
{
    json_t *pod = pod_object();
    json_t *conditions = json_pack("[{s:s, s:s}, {s:s, s:s}]", "type", "Ready", "status", "True", "type",
                                   "PodReadyToStartContainers", "status", "True");
    static const char uid[] = "0f3cbb5e-6d3f-4c0e-9d7a-0123456789ab";
    static const char image[] = "europe-west3-docker.pkg.dev/clinic-ml/training/segmentation-trainer@sha256:"
                                "f5ff0c7ab8a2cbb1b8e3d1f3c9a9c9f0f5ff0c7ab8a2cbb1b8e3d1f3c9a9c9f0";
    json_object_set_new(metadata(pod), "namespace", json_string("clinic-training"));
    json_object_set_new(metadata(pod), "name", json_string("segmentation-2026-11-worker-12-3"));
    json_object_set_new(metadata(pod), "uid", json_string("7a3cbb5e-6d3f-4c0e-9d7a-0123456789ab"));
    json_object_set_new(metadata(pod), "resourceVersion", json_string("1763999999999"));
    json_t *labels = json_object_get(metadata(pod), "labels");
    json_object_set_new(labels, "cloister.dev/job-name", json_string("segmentation-2026-11"));
    json_object_set_new(labels, "cloister.dev/job-uid", json_string(uid));
    json_object_set_new(json_array_get(json_object_get(metadata(pod), "ownerReferences"), 1), "uid",
                        json_string(uid));
    json_object_set_new(json_object_get(pod, "spec"), "nodeName",
                        json_string("gke-training-eu-sev-pool-1-3f9a7c1b-x7kq"));
    json_t *status = json_object_get(pod, "status");
    json_object_set_new(status, "conditions", conditions);
    json_object_set_new(status, "initContainerStatuses",
                        json_pack("[{s:s, s:s, s:{s:{s:s}}}, {s:s, s:s, s:{s:{}}}]", "name",
                                  "cloister-install", "imageID", image, "state", "terminated", "reason",
                                  "Completed", "name", "cloister-agent", "imageID", image, "state",
                                  "running"));
    json_object_set_new(
        status, "containerStatuses",
        json_pack("[{s:s, s:s, s:{s:{}}}]", "name", "trainer", "imageID", image, "state", "running"));
    return pod;
}

/* Tens of thousands of them are cached. */
static void keeps_a_usual_pod_in_600_bytes(void **state)
{
    (void)state;
    json_t *pod = usual_pod();
    struct pod_facts *f = reduce(pod, NULL);
    json_decref(pod);
    assert_string_equal(f->other_conditions, "");
    assert_string_equal(f->owner_uid, f->job_uid);
    assert_in_range(malloc_usable_size(f), sizeof(*f), 600);
    free(f);
}

static void finds_the_conditions_of_a_pod(void **state)
{
    (void)state;
    json_t *pod = pod_object();
    struct pod_facts *f = reduce(pod, NULL);
    json_decref(pod);
    assert_true(pod_has_condition(f, "Ready", "True"));
    assert_false(pod_has_condition(f, "Ready", "False"));
    assert_false(pod_has_condition(f, "Initialized", "False"));
    assert_true(pod_has_condition(f, "DisruptionTarget", "True"));
    assert_false(pod_has_condition(f, "DisruptionTarget", "Unknown"));
    assert_false(pod_has_condition(f, "Disruption", "True"));
    assert_string_equal(f->other_conditions, "DisruptionTarget=T\n");
    free(f);
}

static void detects_a_deletion(void **state)
{
    (void)state;
    json_t *pod = pod_object();
    json_object_set_new(metadata(pod), "deletionTimestamp", json_string("2026-01-01T12:02:00Z"));
    struct pod_facts *f = reduce(pod, NULL);
    assert_true(f->is_deleting);
    assert_int_equal(f->deletion_us - f->created_us, 120000000);
    assert_false(f->is_forced);
    free(f);
    json_object_set_new(metadata(pod), "deletionGracePeriodSeconds", json_integer(0));
    f = reduce(pod, NULL);
    assert_true(f->is_forced);
    free(f);
    json_decref(pod);
}

static void recognizes_an_unchanged_pod(void **state)
{
    (void)state;
    char fingerprint[FINGERPRINT_SIZE];
    json_t *pod = pod_object();
    char *sent = js_dump(json_object_get(pod, "spec"));
    pod_fingerprint(view_from(sent), fingerprint);
    free(sent);
    json_object_set_new(json_object_get(metadata(pod), "annotations"), "cloister.dev/fingerprint",
                        json_string(fingerprint));
    struct pod_facts *f = reduce(pod, NULL);
    assert_false(f->is_changed);
    free(f);
    json_t *containers = json_object_get(json_object_get(pod, "spec"), "containers");
    json_object_set_new(json_array_get(containers, 0), "image", json_string("another"));
    f = reduce(pod, NULL);
    assert_true(f->is_changed);
    free(f);
    json_decref(pod);
}

static void remembers_a_replaced_image(void **state)
{
    (void)state;
    json_t *pod = pod_object();
    struct pod_facts *first = reduce(pod, NULL);
    set_image(pod, "sha256:2");
    struct pod_facts *replaced = reduce(pod, first);
    struct pod_facts *after = reduce(pod, replaced);
    assert_false(first->is_image_changed);
    assert_true(replaced->is_image_changed);
    assert_true(after->is_image_changed);
    free(after);
    free(replaced);
    free(first);
    json_decref(pod);
}

static void does_not_compare_images_with_another_pod_of_the_same_name(void **state)
{
    (void)state;
    json_t *pod = pod_object();
    struct pod_facts *first = reduce(pod, NULL);
    json_object_set_new(metadata(pod), "uid", json_string("u2"));
    set_image(pod, "sha256:2");
    struct pod_facts *other = reduce(pod, first);
    assert_false(other->is_image_changed);
    free(other);
    free(first);
    json_decref(pod);
}

static void reads_technology_and_readiness_of_a_node(void **state)
{
    (void)state;
    json_t *node = json_pack("{s:{s:s, s:{s:s}}, s:{s:[{s:s, s:s}]}}", "metadata", "name", "cc-0", "labels",
                             "cloud.google.com/gke-confidential-nodes-instance-type", "SEV", "status",
                             "conditions", "type", "Ready", "status", "Unknown");
    struct node_facts *f = node_facts_new(node);
    assert_string_equal(f->technology, "SEV");
    assert_false(f->is_ready);
    free(f);
    json_decref(node);
}

static struct scaling scaling_of(const char *events)
{
    json_t *list = json_loads(events, 0, NULL);
    assert_non_null(list);
    struct scaling s = scaling_of_events(list);
    s.message = strdup(s.message);
    json_decref(list);
    return s;
}

static void reads_the_newest_decision_of_the_autoscaler(void **state)
{
    (void)state;
    static const char events[] =
        "{\"items\": ["
        "{\"reason\": \"NotTriggerScaleUp\", \"message\": \"at its limit\","
        " \"lastTimestamp\": \"2026-01-01T12:00:30Z\"},"
        "{\"reason\": \"TriggeredScaleUp\", \"message\": \"0->1\", \"lastTimestamp\": null,"
        " \"eventTime\": \"2026-01-01T12:00:20.000000Z\"},"
        "{\"reason\": \"FailedScheduling\", \"message\": \"no node fits\","
        " \"lastTimestamp\": \"2026-01-01T12:00:40Z\"}]}";
    struct scaling s = scaling_of(events);
    assert_int_equal(s.word, SCALING_REFUSED);
    assert_string_equal(s.message, "at its limit");
    free((void *)(uintptr_t)s.message);
    s = scaling_of("{\"items\": []}");
    assert_int_equal(s.word, SCALING_UNKNOWN);
    assert_string_equal(s.message, "");
    free((void *)(uintptr_t)s.message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reduces_a_pod_to_its_facts),
        cmocka_unit_test(keeps_a_usual_pod_in_600_bytes),
        cmocka_unit_test(reads_the_newest_decision_of_the_autoscaler),
        cmocka_unit_test(finds_the_conditions_of_a_pod),
        cmocka_unit_test(detects_a_deletion),
        cmocka_unit_test(recognizes_an_unchanged_pod),
        cmocka_unit_test(remembers_a_replaced_image),
        cmocka_unit_test(does_not_compare_images_with_another_pod_of_the_same_name),
        cmocka_unit_test(reads_technology_and_readiness_of_a_node),
    };
    return cmocka_run_group_tests_name("facts", tests, NULL, NULL);
}
