/* What the program finds in its environment and its file system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/js.h"
#include "rendering.h"

#include "base/banned.h"

#define HOST_0 "digits-worker-0.digits-workers"
#define HOST_1 "digits-worker-1.digits-workers"

static const json_t *trainer(const struct rendering *r)
{
    return rendered_container(r->pod, "spec.containers", 0);
}

/* Pairs of name and value, ended by NULL. */
static void check_variables(const struct rendering *r, const char *const *pairs)
{
    for (; *pairs != NULL; pairs += 2)
        if (strcmp(rendered_variable(trainer(r), pairs[0]), pairs[1]) != 0)
            fail_msg("%s is '%s'", pairs[0], rendered_variable(trainer(r), pairs[0]));
}

static void sets_the_variables_of_pytorch_and_torchrun(void **state)
{
    struct rendering *r = *state;
    render_with(r, "{'trainer': {'framework': 'PyTorch', 'resources': {'limits': {'cpu': '2500m'}}}}");
    const char *const expected[] = {"MASTER_ADDR",
                                    HOST_0,
                                    "MASTER_PORT",
                                    "29500",
                                    "WORLD_SIZE",
                                    "2",
                                    "RANK",
                                    "1",
                                    "PYTHONUNBUFFERED",
                                    "1",
                                    "PET_NNODES",
                                    "2",
                                    "PET_NPROC_PER_NODE",
                                    "3",
                                    "PET_NODE_RANK",
                                    "1",
                                    "PET_MASTER_ADDR",
                                    HOST_0,
                                    "PET_MASTER_PORT",
                                    "29500",
                                    NULL};
    check_variables(r, expected);
}

static void lets_torchrun_count_gpus(void **state)
{
    struct rendering *r = *state;
    render_with(r, "{'trainer': {'framework': 'PyTorch', 'resources': {'limits': {'nvidia.com/gpu': 1}}}}");
    assert_string_equal(rendered_variable(trainer(r), "PET_NPROC_PER_NODE"), "auto");
}

static void lets_the_user_set_the_number_of_processes(void **state)
{
    struct rendering *r = *state;
    render_with(
        r, "{'trainer': {'framework': 'PyTorch', 'env': [{'name': 'PET_NPROC_PER_NODE', 'value': '7'}]}}");
    size_t times = 0;
    const json_t *env = js_at(trainer(r), "env");
    for (size_t i = 0; i < json_array_size(env); i++)
        times += strcmp(js_text(json_array_get(env, i), "name"), "PET_NPROC_PER_NODE") == 0;
    assert_int_equal(times, 1);
    assert_string_equal(rendered_variable(trainer(r), "PET_NPROC_PER_NODE"), "7");
}

static void sets_TF_CONFIG(void **state)
{
    struct rendering *r = *state;
    render_with(r, "{'trainer': {'framework': 'TensorFlow'}}");
    json_t *got = json_loads(rendered_variable(trainer(r), "TF_CONFIG"), 0, NULL);
    json_t *expected =
        json_pack("{s:{s:[s, s]}, s:{s:s, s:i}, s:s}", "cluster", "worker", HOST_0 ":2222", HOST_1 ":2222",
                  "task", "type", "worker", "index", 1, "environment", "cloud");
    assert_true(json_equal(got, expected));
    json_decref(got);
    json_decref(expected);
}

static void sets_both_spellings_of_the_jax_variables(void **state)
{
    struct rendering *r = *state;
    render_with(r, "{'trainer': {'framework': 'JAX'}}");
    const char *const expected[] = {"JAX_COORDINATOR_ADDRESS",
                                    HOST_0 ":29500",
                                    "JAX_NUM_PROCESSES",
                                    "2",
                                    "JAX_PROCESS_ID",
                                    "1",
                                    "COORDINATOR_ADDRESS",
                                    HOST_0,
                                    "COORDINATOR_PORT",
                                    "29500",
                                    "NUM_PROCESSES",
                                    "2",
                                    "PROCESS_ID",
                                    "1",
                                    "PYTHONUNBUFFERED",
                                    "1",
                                    NULL};
    check_variables(r, expected);
}

static void sets_the_tracker_and_the_older_variables_of_xgboost(void **state)
{
    struct rendering *r = *state;
    render_with(r, "{'trainer': {'framework': 'XGBoost', 'resources': {'limits': {'nvidia.com/gpu': '2'}}}}");
    const char *const expected[] = {"DMLC_TRACKER_URI",
                                    HOST_0,
                                    "DMLC_TRACKER_PORT",
                                    "29500",
                                    "DMLC_TASK_ID",
                                    "1",
                                    "DMLC_NUM_WORKER",
                                    "4",
                                    "MASTER_ADDR",
                                    HOST_0,
                                    "MASTER_PORT",
                                    "29500",
                                    "WORLD_SIZE",
                                    "2",
                                    "RANK",
                                    "1",
                                    "WORKER_ADDRS",
                                    HOST_1,
                                    "WORKER_PORT",
                                    "29500",
                                    "PYTHONUNBUFFERED",
                                    "1",
                                    NULL};
    check_variables(r, expected);
}

static void sets_no_variables_of_other_frameworks(void **state)
{
    struct rendering *r = *state;
    static const char *const names[] = {"MASTER_ADDR", "RANK", "TF_CONFIG", "PROCESS_ID", "DMLC_TASK_ID"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_string_equal(rendered_variable(trainer(r), names[i]), "");
}

/* The API server stores them so, and the fingerprint is over what it stores. */
static void omits_empty_values(void **state)
{
    struct rendering *r = *state;
    render_with(r,
                "{'replicas': 1, 'trainer': {'framework': 'XGBoost', 'env': [{'name': 'E', 'value': ''}]}}");
    const json_t *env = js_at(trainer(r), "env");
    for (size_t i = 0; i < json_array_size(env); i++) {
        const char *value = json_string_value(json_object_get(json_array_get(env, i), "value"));
        assert_true(value == NULL || *value != '\0');
    }
}

static void discards_the_programs_output_when_requested(void **state)
{
    struct rendering *r = *state;
    char *before = json_dumps(js_at(trainer(r), "command"), 0);
    assert_null(strstr(before, "--discard-output"));
    free(before);
    render_with(r, "{'trainer': {'logs': 'Discard'}}");
    char *after = json_dumps(js_at(trainer(r), "command"), 0);
    assert_non_null(strstr(after, "\"--discard-output\", \"--\""));
    free(after);
}

static const json_t *named(const json_t *list, const char *name)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(js_text(json_array_get(list, i), "name"), name) == 0)
            return json_array_get(list, i);
    fail_msg("no %s", name);
    return NULL;
}

static void mounts_the_volumes_of_the_job(void **state)
{
    struct rendering *r = *state;
    render_with(
        r, "{'trainer': {'volumes': ["
           " {'name': 'tmp', 'mountPath': '/etc/train', 'configMap': {'name': 'settings'}},"
           " {'name': 'token', 'mountPath': '/etc/token', 'secret': {'secretName': 's', 'optional': true}},"
           " {'name': 'scratch', 'mountPath': '/scratch', 'memory': {'sizeLimit': '1Gi'}}]}}");
    const json_t *volumes = js_at(r->pod, "spec.volumes");
    const json_t *mounts = js_at(trainer(r), "volumeMounts");
    assert_string_equal(js_text(named(volumes, "tmp"), "emptyDir.medium"), "Memory");
    assert_string_equal(js_text(named(volumes, "job-tmp"), "configMap.name"), "settings");
    assert_string_equal(js_text(named(mounts, "job-tmp"), "mountPath"), "/etc/train");
    assert_true(json_is_true(js_at(named(mounts, "job-tmp"), "readOnly")));
    assert_string_equal(js_text(named(volumes, "job-token"), "secret.secretName"), "s");
    assert_true(json_is_true(js_at(named(volumes, "job-token"), "secret.optional")));
    assert_true(json_is_true(js_at(named(mounts, "job-token"), "readOnly")));
    assert_string_equal(js_text(named(volumes, "job-scratch"), "emptyDir.medium"), "Memory");
    assert_string_equal(js_text(named(volumes, "job-scratch"), "emptyDir.sizeLimit"), "1073741824");
    assert_null(js_at(named(mounts, "job-scratch"), "readOnly"));
    /* Nobody but the program. */
    const json_t *agent = rendered_container(r->pod, "spec.initContainers", 1);
    char *text = json_dumps(js_at(agent, "volumeMounts"), 0);
    assert_null(strstr(text, "job-"));
    free(text);
}

static void declares_the_ports_of_the_job(void **state)
{
    struct rendering *r = *state;
    assert_null(js_at(trainer(r), "ports"));
    render_with(r, "{'trainer': {'ports': [{'name': 'board', 'containerPort': 6006, 'protocol': 'TCP'}]}}");
    assert_int_equal(
        json_integer_value(js_at(json_array_get(js_at(trainer(r), "ports"), 0), "containerPort")), 6006);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rendering_setup, rendering_teardown)
    const struct CMUnitTest tests[] = {
        TEST(sets_the_variables_of_pytorch_and_torchrun),
        TEST(lets_torchrun_count_gpus),
        TEST(lets_the_user_set_the_number_of_processes),
        TEST(sets_TF_CONFIG),
        TEST(sets_both_spellings_of_the_jax_variables),
        TEST(sets_the_tracker_and_the_older_variables_of_xgboost),
        TEST(sets_no_variables_of_other_frameworks),
        TEST(omits_empty_values),
        TEST(discards_the_programs_output_when_requested),
        TEST(mounts_the_volumes_of_the_job),
        TEST(declares_the_ports_of_the_job),
    };
    return cmocka_run_group_tests_name("render_env", tests, NULL, NULL);
}
