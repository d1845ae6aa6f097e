/* The three containers of a worker pod. */
#include "core/render/render_int.h"

#include <stdlib.h>

#include "agentapi/pod.h"
#include "api/labels.h"
#include "api/names.h"
#include "core/render/worker_assignment.h"
#include "data/quantity.h"

#include "base/banned.h"

#define WORKER_PROGRAM "/usr/bin/cloister-worker"
#define INSTALL_BYTES  ((int64_t)32 << 20)

/* ---- shared parts ---- */

static json_t *container_security(void)
{
    return json_pack("{s:b, s:b, s:{s:[s]}}", "allowPrivilegeEscalation", 0, "readOnlyRootFilesystem", 1,
                     "capabilities", "drop", "ALL");
}

/* sub_path NULL: the whole volume. */
static void add_mount(json_t *list, const char *volume, const char *path, const char *sub_path,
                      bool is_read_only)
{
    json_t *mount = json_pack("{s:s, s:s}", "name", volume, "mountPath", path);
    if (sub_path != NULL)
        json_object_set_new(mount, "subPath", json_string(sub_path));
    if (is_read_only)
        json_object_set_new(mount, "readOnly", json_true());
    json_array_append_new(list, mount);
}

static json_t *env_text(const char *name, const char *value)
{
    return json_pack("{s:s, s:s}", "name", name, "value", value);
}

static json_t *env_field(const char *name, const char *path)
{
    return json_pack("{s:s, s:{s:{s:s, s:s}}}", "name", name, "valueFrom", "fieldRef", "apiVersion", "v1",
                     "fieldPath", path);
}

static json_t *bytes(int64_t n)
{
    return json_sprintf("%lld", (long long)n);
}

static json_t *worker_container(const struct config *c, const char *name, const char *verb)
{
    json_t *o = json_pack("{s:s, s:s, s:[s, s], s:o}", "name", name, "image", c->worker_image, "command",
                          WORKER_PROGRAM, verb, "securityContext", container_security());
    if (*c->worker_pull_policy != '\0')
        json_object_set_new(o, "imagePullPolicy", json_string(c->worker_pull_policy));
    return o;
}

/* ---- cloister-install: brings the static shim into a memory volume ---- */

json_t *render_install_container(const struct config *c)
{
    json_t *o = worker_container(c, CONTAINER_INSTALL, WORKER_INSTALL);
    json_t *mounts = json_array();
    add_mount(mounts, "bin", POD_BIN, NULL, false);
    json_object_set_new(o, "volumeMounts", mounts);
    json_object_set_new(o, "resources",
                        json_pack("{s:{s:s, s:o}, s:{s:o}}", "requests", "cpu", "10m", "memory",
                                  bytes(INSTALL_BYTES), "limits", "memory", bytes(INSTALL_BYTES)));
    return o;
}

/* ---- cloister-agent: the native sidecar that holds the keys ---- */

static json_t *agent_env(const struct job *j, const struct config *c, const struct worker *w)
{
    char *text = render_assignment(j, c, w);
    json_t *env = json_pack("[o, o]", env_text(ENV_ASSIGNMENT, text), env_field(ENV_POD_UID, "metadata.uid"));
    free(text);
    return env;
}

json_t *render_agent_container(const struct job *j, const struct config *c, const struct worker *w)
{
    json_t *o = worker_container(c, CONTAINER_AGENT, WORKER_SERVE);
    json_object_set_new(o, "restartPolicy", json_string("Always"));
    json_object_set_new(o, "ports",
                        json_pack("[{s:s, s:i, s:s}]", "name", "agent-metrics", "containerPort",
                                  PORT_AGENT_METRICS, "protocol", "TCP"));
    json_object_set_new(o, "env", agent_env(j, c, w));
    json_t *mounts = json_array();
    add_mount(mounts, "inputs", POD_IN, NULL, false);
    add_mount(mounts, "outputs", POD_OUT, NULL, false);
    add_mount(mounts, "run", POD_RUN, NULL, false);
    if (*c->report_url != '\0')
        add_mount(mounts, REPORT_TOKEN_VOLUME, POD_REPORT_TOKEN, NULL, true);
    json_object_set_new(o, "volumeMounts", mounts);
    /* Pages of a memory volume are charged to the container that writes them first. */
    int64_t memory = c->agent_memory_bytes + j->spec.input_limit_bytes;
    json_object_set_new(o, "resources",
                        json_pack("{s:{s:o, s:o}, s:{s:o}}", "requests", "cpu",
                                  json_sprintf("%lldm", (long long)c->agent_cpu_millis), "memory",
                                  bytes(memory), "limits", "memory", bytes(memory)));
    json_object_set_new(o, "readinessProbe",
                        json_pack("{s:{s:[s, s]}, s:i, s:i, s:i}", "exec", "command", WORKER_PROGRAM,
                                  WORKER_READY, "periodSeconds", 3, "timeoutSeconds", 5, "failureThreshold",
                                  2));
    return o;
}

/* ---- trainer: the user's program behind the shim ---- */

static json_t *trainer_command(const struct job *j, const struct config *c)
{
    json_t *words = json_array();
    json_array_append_new(words, json_string(POD_EXEC));
    json_array_append_new(words, json_sprintf(EXEC_GRACE_SECONDS "=%d", (int)c->grace_seconds));
    json_array_append_new(words, json_sprintf(EXEC_RESERVE_SECONDS "=%d", (int)c->reserve_seconds));
    if (j->spec.trainer.logs == LOGS_DISCARD)
        json_array_append_new(words, json_string(EXEC_DISCARD_OUTPUT));
    json_array_append_new(words, json_string("--"));
    for (size_t i = 0; i < json_array_size(j->spec.trainer.command); i++)
        json_array_append_new(words, json_deep_copy(json_array_get(j->spec.trainer.command, i)));
    return words;
}

static json_t *trainer_mounts(const struct job_trainer *t)
{
    json_t *mounts = json_array();
    add_mount(mounts, "bin", POD_BIN, NULL, true);
    add_mount(mounts, "inputs", TRAINER_INPUTS, FOLDER_INPUTS, true);
    add_mount(mounts, "inputs", TRAINER_RESTORE, FOLDER_RESTORE, true);
    add_mount(mounts, "outputs", TRAINER_CHECKPOINTS, FOLDER_CHECKPOINTS, false);
    add_mount(mounts, "outputs", TRAINER_OUTPUT, FOLDER_OUTPUT, false);
    add_mount(mounts, "run", POD_RUN, NULL, false);
    add_mount(mounts, "tmp", "/tmp", NULL, false);
    add_mount(mounts, "home", TRAINER_HOME, NULL, false);
    add_mount(mounts, "shm", "/dev/shm", NULL, false);
    for (size_t i = 0; i < t->volume_count; i++) {
        char name[NAME_SIZE];
        name_volume(t->volumes[i].name, name);
        add_mount(mounts, name, t->volumes[i].mount_path, NULL, t->volumes[i].kind != VOLUME_MEMORY);
    }
    return mounts;
}

static json_t *copy_or_empty(const json_t *object)
{
    return object != NULL ? json_deep_copy(object) : json_object();
}

/* What the trainer writes to the outputs volume is charged to it, so the volume's size is added to its
 * memory. */
static json_t *trainer_resources(const struct job_spec *s)
{
    json_t *limits = copy_or_empty(s->trainer.limits);
    json_t *requests = copy_or_empty(s->trainer.requests);
    int64_t limit = 0;
    int64_t request = 0;
    bool has_limit = quantity_from_json(json_object_get(limits, "memory"), &limit) == 0;
    if (quantity_from_json(json_object_get(requests, "memory"), &request) < 0)
        request = limit;
    if (has_limit)
        json_object_set_new(limits, "memory", bytes(limit + s->output_limit_bytes));
    json_object_set_new(requests, "memory", bytes(request + s->output_limit_bytes));
    json_t *resources = json_pack("{s:o}", "requests", requests);
    if (json_object_size(limits) > 0)
        json_object_set(resources, "limits", limits);
    json_decref(limits);
    return resources;
}

json_t *render_trainer_container(const struct job *j, const struct config *c, int32_t attempt, int32_t index)
{
    const struct job_trainer *t = &j->spec.trainer;
    json_t *o = json_pack("{s:s, s:s, s:o}", "name", CONTAINER_TRAINER, "image", t->image, "command",
                          trainer_command(j, c));
    if (json_array_size(t->args) > 0)
        json_object_set_new(o, "args", json_deep_copy(t->args));
    if (*t->working_dir != '\0')
        json_object_set_new(o, "workingDir", json_string(t->working_dir));
    if (json_array_size(t->ports) > 0)
        json_object_set_new(o, "ports", json_deep_copy(t->ports));
    json_object_set_new(o, "env", render_trainer_env(j, c, attempt, index));
    json_object_set_new(o, "volumeMounts", trainer_mounts(t));
    json_object_set_new(o, "resources", trainer_resources(&j->spec));
    json_object_set_new(o, "securityContext", container_security());
    return o;
}
