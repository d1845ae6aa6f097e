#include "core/render.h"

#include "api/labels.h"
#include "api/names.h"
#include "core/render_int.h"

#include "base/banned.h"

/* A copy of a borrowed value; NULL stays NULL. */
static json_t *copy_of(const json_t *value)
{
    return value ? json_deep_copy(value) : NULL;
}

static void set_text(json_t *object, const char *name, const char *text)
{
    if (*text)
        json_object_set_new(object, name, json_string(text));
}

static json_t *owner(const struct job *j)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b}", "apiVersion", API_GROUP "/" API_VERSION, "kind",
                     JOB_KIND, "name", j->name, "uid", j->uid, "controller", 1, "blockOwnerDeletion", 1);
}

static json_t *metadata(const struct job *j, const char *name)
{
    json_t *labels = json_pack("{s:s, s:s, s:s}", LABEL_MANAGED_BY, LABEL_MANAGED_BY_VALUE, LABEL_JOB_NAME,
                               j->name, LABEL_JOB_UID, j->uid);
    return json_pack("{s:s, s:s, s:o, s:[o]}", "name", name, "namespace", j->namespace, "labels", labels,
                     "ownerReferences", owner(j));
}

json_t *render_service(const struct job *j)
{
    char name[NAME_SIZE];
    name_service(j->name, name);
    json_t *spec = json_pack("{s:s, s:b, s:{s:s}}", "clusterIP", "None", "publishNotReadyAddresses", 1,
                             "selector", LABEL_JOB_UID, j->uid);
    return json_pack("{s:s, s:s, s:o, s:o}", "apiVersion", "v1", "kind", "Service", "metadata",
                     metadata(j, name), "spec", spec);
}

static json_t *pod_metadata(const struct job *j, int32_t attempt, int32_t index)
{
    char name[NAME_SIZE];
    name_pod(j->name, index, attempt, name);
    json_t *m = metadata(j, name);
    json_t *labels = json_object_get(m, "labels");
    json_object_set_new(labels, LABEL_ATTEMPT, json_sprintf("%d", (int)attempt));
    json_object_set_new(labels, LABEL_INDEX, json_sprintf("%d", (int)index));
    json_object_set_new(m, "annotations",
                        json_pack("{s:s}", ANNOTATION_DEFAULT_CONTAINER, CONTAINER_TRAINER));
    return m;
}

/* The one rule that makes a node confidential. Terms of an affinity are ORed, so users give a nodeSelector
 * only. */
static json_t *affinity(enum technology t)
{
    json_t *expression = json_pack("{s:s, s:s, s:[s]}", "key", LABEL_NODE_TECHNOLOGY, "operator", "In",
                                   "values", technology_name(t));
    return json_pack("{s:{s:{s:[{s:[o]}]}}}", "nodeAffinity",
                     "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms",
                     "matchExpressions", expression);
}

static void append_copies(json_t *list, const json_t *more)
{
    for (size_t i = 0; i < json_array_size(more); i++)
        json_array_append_new(list, json_deep_copy(json_array_get(more, i)));
}

static json_t *toleration(const char *taint, int32_t seconds)
{
    return json_pack("{s:s, s:s, s:s, s:i}", "key", taint, "operator", "Exists", "effect", "NoExecute",
                     "tolerationSeconds", (int)seconds);
}

static json_t *tolerations(const struct job_spec *s, const struct config *c)
{
    json_t *list = json_array();
    append_copies(list, c->worker_tolerations);
    append_copies(list, s->tolerations);
    json_array_append_new(list, toleration("node.kubernetes.io/not-ready", c->unreachable_seconds));
    json_array_append_new(list, toleration("node.kubernetes.io/unreachable", c->unreachable_seconds));
    return list;
}

/* size_bytes 0: as much as the containers' memory limits allow. */
static json_t *memory_volume(const char *name, int64_t size_bytes)
{
    json_t *empty_dir = json_pack("{s:s}", "medium", "Memory");
    if (size_bytes > 0)
        json_object_set_new(empty_dir, "sizeLimit", json_sprintf("%lld", (long long)size_bytes));
    return json_pack("{s:s, s:o}", "name", name, "emptyDir", empty_dir);
}

static json_t *volumes(const struct job_spec *s)
{
    return json_pack("[o, o, o, o, o, o, o]", memory_volume("inputs", s->input_limit_bytes),
                     memory_volume("outputs", s->output_limit_bytes), memory_volume("run", (int64_t)1 << 20),
                     memory_volume("bin", (int64_t)16 << 20), memory_volume("tmp", 0),
                     memory_volume("home", 0), memory_volume("shm", 0));
}

static json_t *security(const struct job_spec *s, const struct config *c)
{
    json_int_t user = s->trainer.run_as_user > 0 ? s->trainer.run_as_user : c->run_as_user;
    return json_pack("{s:I, s:I, s:I, s:b, s:{s:s}}", "runAsUser", user, "runAsGroup", user, "fsGroup", user,
                     "runAsNonRoot", 1, "seccompProfile", "type", "RuntimeDefault");
}

static void add_placement(json_t *spec, const struct job_spec *s, enum technology t, const struct config *c)
{
    json_object_set_new(spec, "affinity", affinity(t));
    json_object_set_new(spec, "tolerations", tolerations(s, c));
    json_t *selector = copy_of(s->node_selector);
    if (json_object_size(selector) > 0)
        json_object_set(spec, "nodeSelector", selector);
    json_decref(selector);
    set_text(spec, "priorityClassName", s->priority_class_name);
    json_t *secrets = json_array();
    append_copies(secrets, c->image_pull_secrets);
    append_copies(secrets, s->image_pull_secrets);
    if (json_array_size(secrets) > 0)
        json_object_set(spec, "imagePullSecrets", secrets);
    json_decref(secrets);
}

static json_t *pod_spec(const struct job *j, const struct config *c, int32_t attempt, int32_t index)
{
    char host[NAME_SIZE];
    char service[NAME_SIZE];
    name_host(j->name, index, host);
    name_service(j->name, service);
    json_t *spec = json_object();
    json_object_set_new(spec, "restartPolicy", json_string("Never"));
    json_object_set_new(spec, "terminationGracePeriodSeconds", json_integer(c->grace_seconds));
    json_object_set_new(spec, "hostname", json_string(host));
    json_object_set_new(spec, "subdomain", json_string(service));
    json_object_set_new(spec, "serviceAccountName", json_string(j->spec.service_account_name));
    json_object_set_new(spec, "automountServiceAccountToken", json_false());
    json_object_set_new(spec, "enableServiceLinks", json_false());
    json_object_set_new(spec, "securityContext", security(&j->spec, c));
    add_placement(spec, &j->spec, job_technology(j), c);
    json_object_set_new(
        spec, "initContainers",
        json_pack("[o, o]", render_install_container(c), render_agent_container(j, c, attempt, index)));
    json_object_set_new(spec, "containers", json_pack("[o]", render_trainer_container(j, c, attempt, index)));
    json_object_set_new(spec, "volumes", volumes(&j->spec));
    return spec;
}

json_t *render_pod(const struct job *j, const struct config *c, int32_t attempt, int32_t index)
{
    json_t *pod = json_pack("{s:s, s:s, s:o, s:o}", "apiVersion", "v1", "kind", "Pod", "metadata",
                            pod_metadata(j, attempt, index), "spec", pod_spec(j, c, attempt, index));
    char fingerprint[FINGERPRINT_SIZE];
    pod_fingerprint(pod, fingerprint);
    json_t *annotations = json_object_get(json_object_get(pod, "metadata"), "annotations");
    json_object_set_new(annotations, ANNOTATION_FINGERPRINT, json_string(fingerprint));
    return pod;
}
