#include "api/job_decode.h"
#include "api/status_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/banned.h"

static const char object_text[] =
    "{\"metadata\": {\"name\": \"digits\", \"namespace\": \"ml\", \"uid\": \"u-1\", \"resourceVersion\": "
    "\"9\","
    "  \"generation\": 3, \"creationTimestamp\": \"2026-01-01T12:00:00Z\"},"
    " \"spec\": {\"serviceAccountName\": \"trainer\", \"confidential\": {\"technologies\": [\"SEV_SNP\"]},"
    "  \"replicas\": 4, \"trainer\": {\"image\": \"i\", \"command\": [\"/train\"],"
    "   \"resources\": {\"limits\": {\"memory\": \"8Gi\"}}},"
    "  \"staging\": {\"inputLimit\": \"4Gi\", \"outputLimit\": 1024},"
    "  \"keys\": [{\"name\": \"k\", \"kmsKeyName\": \"projects/p\", \"wrappedKeyset\": \"AAAA\"}],"
    "  \"inputs\": [{\"name\": \"train\", \"uri\": \"gs://b/d/\", \"keyName\": \"k\"}],"
    "  \"output\": {\"uri\": \"gs://b/m/\", \"keyName\": \"k\"},"
    "  \"failurePolicy\": {\"maxRestarts\": 7}}}";

struct fixture {
    struct arena *a;
    json_t *object;
    struct job job;
};

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){.a = arena_new(), .object = json_loads(object_text, 0, NULL)};
    *state = &f;
    return f.object != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    json_decref(f->object);
    arena_free(f->a);
    return 0;
}

static json_t *spec(struct fixture *f)
{
    return json_object_get(f->object, "spec");
}

static const char *problem(struct fixture *f)
{
    assert_int_equal(job_decode(f->object, f->a, &f->job, NULL), 0);
    return f->job.spec_problem != NULL ? f->job.spec_problem : "";
}

static void reads_every_field(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(problem(f), "");
    const struct job *j = &f->job;
    assert_string_equal(j->name, "digits");
    assert_string_equal(j->ns, "ml");
    assert_int_equal(j->generation, 3);
    assert_int_equal(j->created_us, INT64_C(1767268800000000));
    assert_false(j->is_deleting);
    assert_int_equal(job_technology(j), TECHNOLOGY_SEV_SNP);
    assert_int_equal(j->spec.replicas, 4);
    assert_int_equal(j->spec.input_limit_bytes, INT64_C(4) << 30);
    assert_int_equal(j->spec.output_limit_bytes, 1024);
    assert_string_equal(j->spec.inputs[0].uri, "gs://b/d/");
    assert_string_equal(j->spec.keys[0].wrapped_keyset, "AAAA");
    assert_string_equal(j->spec.output_key_name, "k");
    assert_int_equal(j->spec.failure_policy.max_restarts, 7);
}

static void applies_the_defaults_of_the_schema(void **state)
{
    struct fixture *f = *state;
    json_object_del(spec(f), "failurePolicy");
    json_object_del(spec(f), "replicas");
    assert_string_equal(problem(f), "");
    assert_true(f->job.spec.require_hsm);
    assert_int_equal(f->job.spec.replicas, 1);
    assert_int_equal(f->job.spec.failure_policy.max_restarts, 3);
    assert_int_equal(f->job.spec.failure_policy.max_disruptions, -1);
    assert_string_equal(f->job.spec.checkpoints_uri, "");
    assert_string_equal(f->job.spec.inputs[0].associated_data, "Object");
    assert_int_equal(f->job.status.attempt, 0);
}

static void reads_rules_volumes_and_enums(void **state)
{
    struct fixture *f = *state;
    json_t *change = json_loads(
        "{\"suspend\": true, \"cleanPodPolicy\": \"None\", \"ttlSecondsAfterFinished\": 0,"
        " \"confidential\": {\"technologies\": [\"TDX\", \"SEV\"], \"spot\": \"Only\"},"
        " \"network\": {\"egress\": \"Unrestricted\", \"workerTraffic\": \"AcceptPlain\"},"
        " \"failurePolicy\": {\"rules\": [{\"action\": \"Ignore\","
        "    \"onPodConditions\": [{\"type\": \"T\", \"status\": \"True\"}]},"
        "   {\"action\": \"FailJob\", \"onExitCodes\": {\"operator\": \"NotIn\", \"values\": [42]}}]},"
        " \"trainer\": {\"image\": \"i\", \"command\": [\"/train\"], \"framework\": \"JAX\", \"logs\": "
        "\"Discard\","
        "   \"volumes\": [{\"name\": \"m\", \"mountPath\": \"/m\", \"memory\": {\"sizeLimit\": \"1Mi\"}},"
        "     {\"name\": \"s\", \"mountPath\": \"/s\", \"secret\": {\"secretName\": \"login\", \"optional\": "
        "true}}]}}",
        0, NULL);
    json_object_update(spec(f), change);
    json_decref(change);
    assert_string_equal(problem(f), "");
    const struct job_spec *s = &f->job.spec;
    assert_true(s->suspend);
    assert_int_equal(s->ttl_seconds, 0);
    assert_int_equal(s->clean_pods, CLEAN_PODS_NONE);
    assert_int_equal(s->spot, SPOT_ONLY);
    assert_int_equal(s->technology_count, 2);
    assert_int_equal(s->network.egress, EGRESS_UNRESTRICTED);
    assert_int_equal(s->network.worker_traffic, WORKER_TRAFFIC_ACCEPT_PLAIN);
    assert_int_equal(s->trainer.framework, FRAMEWORK_JAX);
    assert_int_equal(s->trainer.logs, LOGS_DISCARD);
    assert_int_equal(s->failure_policy.rule_count, 2);
    assert_int_equal(s->failure_policy.rules[0].action, RULE_IGNORE);
    assert_null(s->failure_policy.rules[0].exit_codes);
    assert_int_equal(s->failure_policy.rules[1].op, RULE_NOT_IN);
    assert_int_equal(s->trainer.volumes[0].kind, VOLUME_MEMORY);
    assert_int_equal(s->trainer.volumes[0].size_bytes, 1 << 20);
    assert_string_equal(s->trainer.volumes[1].source, "login");
    assert_true(s->trainer.volumes[1].is_optional);
    f->job.status.requested_technology = "SEV";
    assert_int_equal(job_technology(&f->job), TECHNOLOGY_SEV);
    f->job.status.requested_technology = "SEV_SNP";
    assert_int_equal(job_technology(&f->job), TECHNOLOGY_TDX);
}

/* Each change spoils the spec; the problem names the field. */
static void reports_what_is_wrong_with_a_spec(void **state)
{
    static const char *const cases[][2] = {
        {"{\"replicas\": 0}", "spec.replicas"},
        {"{\"replicas\": \"two\"}", "replicas"},
        {"{\"activeDeadlineSeconds\": 9223372036854775807}", "spec.activeDeadlineSeconds"},
        {"{\"serviceAccountName\": \"\"}", "spec.serviceAccountName"},
        {"{\"confidential\": {\"technologies\": [\"SGX\"]}}", "spec.confidential.technologies"},
        {"{\"trainer\": {\"image\": \"i\"}}", "spec.trainer.command"},
        {"{\"confidential\": {\"technologies\": [\"SEV\"], \"spot\": \"Sometimes\"}}",
         "spec.confidential.spot"},
        {"{\"network\": {\"egress\": 7}}", "spec.network.egress"},
        {"{\"failurePolicy\": {\"rules\": [{\"action\": \"FailIndex\"}]}}",
         "spec.failurePolicy.rules[].action"},
        {"{\"staging\": {\"inputLimit\": \"0\"}}", "spec.staging.inputLimit"},
        {"{\"staging\": {\"outputLimit\": \"9e99\"}}", "outputLimit"},
        {"{\"output\": {\"uri\": \"gs://b/m/\", \"keyName\": \"absent\"}}", "spec.output.keyName"},
        {"{\"keys\": []}", "keyName"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        json_t *change = json_loads(cases[i][0], 0, NULL);
        json_t *before = json_deep_copy(spec(f));
        json_object_update(spec(f), change);
        if (strstr(problem(f), cases[i][1]) == NULL)
            fail_msg("%s: '%s' does not name %s", cases[i][0], problem(f), cases[i][1]);
        json_object_set_new(f->object, "spec", before);
        json_decref(change);
    }
    assert_string_equal(problem(f), "");
}

/* The tables of an older schema may be installed, and what is planned on is read all the same. */
static void refuses_too_long_a_list_of_technologies(void **state)
{
    struct fixture *f = *state;
    json_t *list = json_object_get(json_object_get(spec(f), "confidential"), "technologies");
    for (int i = 0; i < 100; i++)
        json_array_append_new(list, json_string("SEV"));
    assert_non_null(strstr(problem(f), "spec.confidential.technologies"));
    assert_true(f->job.spec.technology_count <= TECHNOLOGY_COUNT);
}

static void reads_the_other_fields_of_a_spec_with_an_invalid_one(void **state)
{
    struct fixture *f = *state;
    json_object_set_new(spec(f), "suspend", json_string("yes"));
    json_object_set_new(spec(f), "managedBy", json_string("example.com/other"));
    json_object_set_new(spec(f), "ttlSecondsAfterFinished", json_integer(7));
    assert_non_null(strstr(problem(f), "spec.suspend"));
    assert_false(job_is_ours(&f->job));
    assert_int_equal(f->job.spec.ttl_seconds, 7);
}

static void refuses_an_object_without_name_or_uid(void **state)
{
    struct fixture *f = *state;
    struct err e CLEANUP(err_fini) = {0};
    json_object_del(json_object_get(f->object, "metadata"), "uid");
    assert_int_equal(job_decode(f->object, f->a, &f->job, &e), -1);
    assert_int_equal(e.code, ERR_INVALID);
}

static void decodes_the_status_that_it_encoded(void **state)
{
    static const char *const nodes[] = {"cc-0", "cc-1"};
    struct fixture *f = *state;
    struct job_status s;
    status_init(&s);
    s.phase = PHASE_RESTARTING;
    s.attempt = 2;
    s.workers.summary = "0/4";
    s.backoff_failures = 1;
    s.backoff_until_us = INT64_C(1767268800000000);
    s.failures[s.failure_count++] = (struct status_failure){.attempt = 1,
                                                            .pod = "p",
                                                            .node = "",
                                                            .container = "",
                                                            .exit_code = 0,
                                                            .failure_class = "Key",
                                                            .reason = "r",
                                                            .message = "m"};
    s.conditions[s.condition_count++] = (struct status_condition){.type = "Stalled",
                                                                  .status = "True",
                                                                  .reason = "r",
                                                                  .message = "m",
                                                                  .transition_us = s.backoff_until_us};
    s.nodes = nodes;
    s.node_count = 2;
    s.technology = "SEV";
    struct job_status back;
    json_t *json = status_encode(&s);
    status_decode(json, f->a, &back);
    assert_true(status_equal(&s, &back));
    assert_int_equal(back.failures[0].exit_code, 0);
    assert_int_equal(back.backoff_until_us, s.backoff_until_us);
    assert_string_equal(back.nodes[1], "cc-1");
    back.attempt = 3;
    assert_false(status_equal(&s, &back));
    json_decref(json);
}

static void survives_an_invalid_status(void **state)
{
    struct fixture *f = *state;
    json_object_set_new(
        f->object, "status",
        json_pack("{s:s, s:i, s:[i], s:i}", "attempt", "two", "phase", 7, "failures", 3, "restarts", 5));
    assert_string_equal(problem(f), "");
    assert_int_equal(f->job.status.attempt, 0);
    assert_int_equal(f->job.status.phase, PHASE_PENDING);
    assert_int_equal(f->job.status.restarts, 5);
}

/* The number of the next attempt, the sum of workers and the sweep of old pods stay in range. */
static void reads_numbers_out_of_range_as_zero(void **state)
{
    struct fixture *f = *state;
    const int numbers[] = {-1, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        int n = numbers[i];
        json_object_set_new(f->object, "status",
                            json_pack("{s:i, s:i, s:{s:i, s:i, s:i, s:i}}", "attempt", n, "restarts", n,
                                      "workers", "ready", n, "active", n, "succeeded", n, "failed", n));
        assert_string_equal(problem(f), "");
        assert_int_equal(f->job.status.attempt, 0);
        assert_int_equal(f->job.status.restarts, n > 0 ? n : 0);
        assert_int_equal(f->job.status.workers.active, 0);
        assert_int_equal(f->job.status.workers.failed, 0);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(reads_every_field),
        TEST(applies_the_defaults_of_the_schema),
        TEST(reads_rules_volumes_and_enums),
        TEST(reports_what_is_wrong_with_a_spec),
        TEST(refuses_too_long_a_list_of_technologies),
        TEST(reads_the_other_fields_of_a_spec_with_an_invalid_one),
        TEST(refuses_an_object_without_name_or_uid),
        TEST(decodes_the_status_that_it_encoded),
        TEST(survives_an_invalid_status),
        TEST(reads_numbers_out_of_range_as_zero),
    };
    return cmocka_run_group_tests_name("job_decode", tests, NULL, NULL);
}
