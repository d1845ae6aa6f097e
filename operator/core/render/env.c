/* The environment of the program: Cloister's own variables, those of its framework, and the user's. */
#include "core/render/render_int.h"

#include <stdlib.h>
#include <string.h>

#include "agentapi/pod.h"
#include "api/labels.h"
#include "api/names.h"
#include "data/quantity.h"
#include "base/strbuf.h"
#include "data/js.h"

#include "base/banned.h"

#define HOSTS_TEXT_MAX ((size_t)256 * REPLICAS_MAX)
/* The port of rank 0, as in torchrun and Kubeflow Trainer; and TensorFlow's. */
#define COORDINATOR_PORT 29500
#define TENSORFLOW_PORT  2222

static void add(json_t *env, const char *name, json_t *value)
{
    json_array_append_new(env, json_pack("{s:s, s:o}", "name", name, "value", value));
}

static void add_text(json_t *env, const char *name, const char *value)
{
    add(env, name, json_string(value));
}

static void add_number(json_t *env, const char *name, int64_t value)
{
    add(env, name, json_sprintf("%lld", (long long)value));
}

/* "digits-worker-1.digits-workers", with ":port" when it is not 0. */
static void add_host(struct strbuf *text, const struct job *j, int32_t index, int port)
{
    char host[NAME_SIZE];
    char service[NAME_SIZE];
    name_host(j->name, index, host);
    name_service(j->name, service);
    strbuf_addf(text, "%s.%s", host, service);
    if (port != 0)
        strbuf_addf(text, ":%d", port);
}

/* The workers from `first` on, separated by commas. */
static json_t *hosts(const struct job *j, int32_t first)
{
    struct strbuf text = STRBUF(HOSTS_TEXT_MAX);
    for (int32_t i = first; i < j->spec.replicas; i++) {
        if (i > first)
            strbuf_add_char(&text, ',');
        add_host(&text, j, i, 0);
    }
    json_t *value = json_string(strbuf_text(&text));
    strbuf_fini(&text);
    return value;
}

static json_t *coordinator(const struct job *j, int port)
{
    struct strbuf text = STRBUF(2 * NAME_SIZE + 16);
    add_host(&text, j, COORDINATOR_INDEX, port);
    json_t *value = json_string(strbuf_text(&text));
    strbuf_fini(&text);
    return value;
}

static bool is_set_by_user(const struct job *j, const char *name)
{
    const json_t *user = j->spec.trainer.env;
    for (size_t i = 0; i < json_array_size(user); i++)
        if (strcmp(js_text(json_array_get(user, i), "name"), name) == 0)
            return true;
    return false;
}

/* A default that the user may override. */
static void add_default(json_t *env, const struct job *j, const char *name, json_t *value)
{
    if (is_set_by_user(j, name))
        json_decref(value);
    else
        add(env, name, value);
}

/* ---- frameworks ---- */

static int64_t amount_of(const struct job *j, const char *resource)
{
    int64_t n = 0;
    if (quantity_from_json(json_object_get(j->spec.trainer.limits, resource), &n) < 0 &&
        quantity_from_json(json_object_get(j->spec.trainer.requests, resource), &n) < 0)
        return 0;
    return n;
}

/* Without GPUs, torchrun would count the CPUs of the whole node. */
static json_t *processes_of_worker(const struct job *j)
{
    if (amount_of(j, RESOURCE_GPU) > 0)
        return json_string("auto");
    int64_t cpus = amount_of(j, "cpu");
    return json_sprintf("%lld", (long long)(cpus > 0 ? cpus : 1));
}

static void add_rendezvous(json_t *env, const struct job *j, int32_t index)
{
    add(env, "MASTER_ADDR", coordinator(j, 0));
    add_number(env, "MASTER_PORT", COORDINATOR_PORT);
    add_number(env, "WORLD_SIZE", j->spec.replicas);
    add_number(env, "RANK", index);
    add_default(env, j, "PYTHONUNBUFFERED", json_string("1"));
}

static void add_pytorch(json_t *env, const struct job *j, int32_t index)
{
    add_rendezvous(env, j, index);
    add_number(env, "PET_NNODES", j->spec.replicas);
    add_number(env, "PET_NODE_RANK", index);
    add(env, "PET_MASTER_ADDR", coordinator(j, 0));
    add_number(env, "PET_MASTER_PORT", COORDINATOR_PORT);
    add_default(env, j, "PET_NPROC_PER_NODE", processes_of_worker(j));
}

/* Workers only; TensorFlow makes the first one the chief. */
static void add_tensorflow(json_t *env, const struct job *j, int32_t index)
{
    json_t *workers = json_array();
    for (int32_t i = 0; i < j->spec.replicas; i++) {
        struct strbuf text = STRBUF(2 * NAME_SIZE + 16);
        add_host(&text, j, i, TENSORFLOW_PORT);
        json_array_append_new(workers, json_string(strbuf_text(&text)));
        strbuf_fini(&text);
    }
    json_t *config = json_pack("{s:{s:o}, s:{s:s, s:i}, s:s}", "cluster", "worker", workers, "task", "type",
                               "worker", "index", (int)index, "environment", "cloud");
    char *text = js_dump(config);
    add_text(env, "TF_CONFIG", text);
    free(text);
    json_decref(config);
}

static void add_jax(json_t *env, const struct job *j, int32_t index)
{
    add(env, "JAX_COORDINATOR_ADDRESS", coordinator(j, COORDINATOR_PORT));
    add_number(env, "JAX_NUM_PROCESSES", j->spec.replicas);
    add_number(env, "JAX_PROCESS_ID", index);
    add(env, "COORDINATOR_ADDRESS", coordinator(j, 0));
    add_number(env, "COORDINATOR_PORT", COORDINATOR_PORT);
    add_number(env, "NUM_PROCESSES", j->spec.replicas);
    add_number(env, "PROCESS_ID", index);
    add_default(env, j, "PYTHONUNBUFFERED", json_string("1"));
}

/* A program of XGBoost uses one GPU, so there is one XGBoost worker for each GPU. */
static void add_xgboost(json_t *env, const struct job *j, int32_t index)
{
    int64_t gpus = amount_of(j, RESOURCE_GPU);
    add(env, "DMLC_TRACKER_URI", coordinator(j, 0));
    add_number(env, "DMLC_TRACKER_PORT", COORDINATOR_PORT);
    add_number(env, "DMLC_TASK_ID", index);
    add_number(env, "DMLC_NUM_WORKER", j->spec.replicas * (gpus > 0 ? gpus : 1));
    add_rendezvous(env, j, index);
    add(env, "WORKER_ADDRS", hosts(j, COORDINATOR_INDEX + 1));
    add_number(env, "WORKER_PORT", COORDINATOR_PORT);
}

/* ---- progress ---- */

/*
 * As Kubeflow Trainer sets them, so that its clients can report unchanged; the agent listens on the pod's
 * loopback interface, where TLS would protect nothing.
 */
static void add_trainer_client(json_t *env, const struct job *j)
{
    add(env, "KUBEFLOW_TRAINER_SERVER_URL",
        json_sprintf("http://127.0.0.1:%d" PROGRESS_PATH_FORMAT, PORT_AGENT_PROGRESS, j->ns, j->name));
    add_text(env, "KUBEFLOW_TRAINER_SERVER_CA_CERT", POD_KUBEFLOW_CA);
    add_text(env, "KUBEFLOW_TRAINER_SERVER_TOKEN", POD_KUBEFLOW_TOKEN);
}

static void add_framework(json_t *env, const struct job *j, int32_t index)
{
    switch (j->spec.trainer.framework) {
    case FRAMEWORK_NONE: break;
    case FRAMEWORK_PYTORCH: add_pytorch(env, j, index); break;
    case FRAMEWORK_TENSORFLOW: add_tensorflow(env, j, index); break;
    case FRAMEWORK_JAX: add_jax(env, j, index); break;
    case FRAMEWORK_XGBOOST: add_xgboost(env, j, index); break;
    }
}

/* ---- the environment ---- */

/* The user's variables come last, so that they may refer to ours. */
static void add_user(json_t *env, const json_t *user)
{
    for (size_t i = 0; i < json_array_size(user); i++)
        json_array_append_new(env, json_deep_copy(json_array_get(user, i)));
}

/* The API server omits empty values, and the fingerprint is computed over what it stores. */
static void leave_out_empty_values(json_t *env)
{
    for (size_t i = 0; i < json_array_size(env); i++) {
        json_t *variable = json_array_get(env, i);
        const char *value = json_string_value(json_object_get(variable, "value"));
        if (value != NULL && *value == '\0')
            (void)json_object_del(variable, "value");
    }
}

json_t *render_trainer_env(const struct job *j, const struct config *c, int32_t attempt, int32_t index)
{
    json_t *env = json_array();
    add_number(env, "CLOISTER_RANK", index);
    add_number(env, "CLOISTER_WORLD_SIZE", j->spec.replicas);
    add(env, "CLOISTER_COORDINATOR", coordinator(j, 0));
    add(env, "CLOISTER_HOSTS", hosts(j, 0));
    add_number(env, "CLOISTER_ATTEMPT", attempt);
    add_text(env, "CLOISTER_INPUTS", TRAINER_INPUTS);
    add_text(env, "CLOISTER_RESTORE", TRAINER_RESTORE);
    add_text(env, "CLOISTER_CHECKPOINTS", TRAINER_CHECKPOINTS);
    add_text(env, "CLOISTER_OUTPUT", TRAINER_OUTPUT);
    add_text(env, "CLOISTER_PROGRESS", POD_PROGRESS_FILE);
    if (*c->report_url != '\0')
        add_trainer_client(env, j);
    add_number(env, "JOB_COMPLETION_INDEX", index);
    add_text(env, "HOME", TRAINER_HOME);
    add_framework(env, j, index);
    add_user(env, j->spec.trainer.env);
    leave_out_empty_values(env);
    return env;
}
