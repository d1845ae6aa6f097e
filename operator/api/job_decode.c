/* TrainingJob objects of the API server as struct job. The table is compared with crds/ by
 * tests/unit/t_job_decode.c. */
#include "api/job_decode.h"

#include <stddef.h>
#include <string.h>

#include "data/field.h"
#include "data/js.h"
#include "api/job_validate.h"
#include "api/status_json.h"
#include "base/alloc.h"

#include "base/banned.h"

#define SPEC(path, kind, member)                                                                             \
    {                                                                                                        \
        path, FIELD_##kind, offsetof(struct job_spec, member), false, NULL                                   \
    }

static const struct field spec_fields[] = {
    SPEC("suspend", BOOL, suspend),
    SPEC("managedBy", TEXT, managed_by),
    SPEC("serviceAccountName", TEXT, service_account_name),
    SPEC("confidential.fallbackAfterSeconds", INT32, fallback_after_seconds),
    SPEC("confidential.requireHSM", BOOL, require_hsm),
    SPEC("replicas", INT32, replicas),
    SPEC("trainer.image", TEXT, trainer.image),
    SPEC("trainer.command", ARRAY, trainer.command),
    SPEC("trainer.args", ARRAY, trainer.args),
    SPEC("trainer.workingDir", TEXT, trainer.working_dir),
    SPEC("trainer.env", ARRAY, trainer.env),
    SPEC("trainer.resources.limits", OBJECT, trainer.limits),
    SPEC("trainer.resources.requests", OBJECT, trainer.requests),
    SPEC("trainer.runAsUser", INT64, trainer.run_as_user),
    SPEC("trainer.ports", ARRAY, trainer.ports),
    SPEC("scheduling.nodeSelector", OBJECT, node_selector),
    SPEC("scheduling.tolerations", ARRAY, tolerations),
    SPEC("scheduling.priorityClassName", TEXT, priority_class_name),
    SPEC("scheduling.computeClass", TEXT, compute_class),
    SPEC("scheduling.imagePullSecrets", ARRAY, image_pull_secrets),
    SPEC("staging.inputLimit", QUANTITY, input_limit_bytes),
    SPEC("staging.outputLimit", QUANTITY, output_limit_bytes),
    SPEC("checkpoints.uri", TEXT, checkpoints_uri),
    SPEC("checkpoints.keyName", TEXT, checkpoints_key_name),
    SPEC("output.uri", TEXT, output_uri),
    SPEC("output.keyName", TEXT, output_key_name),
    SPEC("failurePolicy.maxRestarts", INT32, failure_policy.max_restarts),
    SPEC("failurePolicy.maxDisruptions", INT32, failure_policy.max_disruptions),
    SPEC("failurePolicy.backoffSeconds", INT32, failure_policy.backoff_seconds),
    SPEC("failurePolicy.terminationTimeoutSeconds", INT32, failure_policy.termination_timeout_seconds),
    SPEC("activeDeadlineSeconds", INT64, active_deadline_seconds),
    SPEC("ttlSecondsAfterFinished", INT32, ttl_seconds),
    SPEC("network.additionalEgress", ARRAY, network.additional_egress),
    SPEC("notifications", ARRAY, notifications),
};

/* An enum of the CRD: its values in the order of the C constants. */
struct word_field {
    const char *path;
    const char *words; /* "None|PyTorch|..." */
    size_t offset;     /* of the enum */
};

_Static_assert(sizeof(enum framework) == sizeof(unsigned), "enums are written as unsigned");

#define WORD(path, words, type, member)                                                                      \
    {                                                                                                        \
        path, words, offsetof(type, member)                                                                  \
    }

static const struct word_field spec_words[] = {
    WORD("confidential.spot", "Never|Prefer|Only", struct job_spec, spot),
    WORD("trainer.framework", "None|PyTorch|TensorFlow|JAX|XGBoost", struct job_spec, trainer.framework),
    WORD("trainer.logs", "Node|Discard", struct job_spec, trainer.logs),
    WORD("cleanPodPolicy", "Running|All|None", struct job_spec, clean_pods),
    WORD("network.egress", "GoogleAPIs|RestrictedVIP|Unrestricted", struct job_spec, network.egress),
    WORD("network.workerTraffic", "NodeEncrypted|AcceptPlain", struct job_spec, network.worker_traffic),
};

static const struct word_field rule_words[] = {
    WORD("action", "FailJob|Ignore|Count", struct job_rule, action),
    WORD("onExitCodes.operator", "In|NotIn", struct job_rule, op),
};

static const struct field rule_fields[] = {
    {"onExitCodes.values", FIELD_ARRAY, offsetof(struct job_rule, exit_codes), false, NULL},
    {"onPodConditions", FIELD_ARRAY, offsetof(struct job_rule, conditions), false, NULL},
};

#define VOLUME(path, kind, member)                                                                           \
    {                                                                                                        \
        path, FIELD_##kind, offsetof(struct job_volume, member), false, NULL                                 \
    }

static const struct field volume_fields[] = {
    VOLUME("name", TEXT, name),
    VOLUME("mountPath", TEXT, mount_path),
    VOLUME("configMap.name", TEXT, source),
    VOLUME("configMap.optional", BOOL, is_optional),
    VOLUME("secret.secretName", TEXT, source),
    VOLUME("secret.optional", BOOL, is_optional),
    VOLUME("memory.sizeLimit", QUANTITY, size_bytes),
};

#define KEY(path, member)                                                                                    \
    {                                                                                                        \
        path, FIELD_TEXT, offsetof(struct job_key, member), false, NULL                                      \
    }

static const struct field key_fields[] = {
    KEY("name", name),
    KEY("kmsKeyName", kms_key_name),
    KEY("wrappedKeyset", wrapped_keyset),
};

#define INPUT(path, member)                                                                                  \
    {                                                                                                        \
        path, FIELD_TEXT, offsetof(struct job_input, member), false, NULL                                    \
    }

static const struct field input_fields[] = {
    INPUT("name", name),
    INPUT("uri", uri),
    INPUT("keyName", key_name),
    INPUT("associatedData", associated_data),
};

#define META(path, kind, member)                                                                             \
    {                                                                                                        \
        path, FIELD_##kind, offsetof(struct job, member), false, NULL                                        \
    }

static const struct field metadata_fields[] = {
    META("name", TEXT, name),
    META("namespace", TEXT, ns),
    META("uid", TEXT, uid),
    META("resourceVersion", TEXT, resource_version),
    META("generation", INT64, generation),
    META("creationTimestamp", TIME, created_us),
    META("labels", OBJECT, labels),
    META("annotations", OBJECT, annotations),
};

/* The defaults of crds/. */
static const struct job_spec spec_defaults = {
    .service_account_name = "",
    .managed_by = "",
    .require_hsm = true,
    .replicas = 1,
    .trainer = {.image = "", .working_dir = ""},
    .priority_class_name = "",
    .compute_class = "",
    .input_limit_bytes = (int64_t)1 << 30,
    .output_limit_bytes = (int64_t)1 << 30,
    .checkpoints_uri = "",
    .checkpoints_key_name = "",
    .output_uri = "",
    .output_key_name = "",
    .failure_policy = {.max_restarts = 3,
                       .max_disruptions = -1,
                       .backoff_seconds = 10,
                       .termination_timeout_seconds = 600},
    .ttl_seconds = -1,
};

/* The index of `text` among the words that are separated by bars. */
static bool find_word(const char *words, const char *text, unsigned *ret)
{
    struct view rest = view_from(words);
    for (*ret = 0; rest.len > 0; ++*ret)
        if (view_equal_text(view_cut(rest, '|', &rest), text))
            return true;
    return false;
}

static int decode_words(const struct word_field *table, size_t count, const json_t *object, const char *where,
                        void *ret, struct err *e)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *value = js_at(object, table[i].path);
        unsigned constant = 0;
        if (value == NULL)
            continue;
        if (!json_is_string(value) || !find_word(table[i].words, json_string_value(value), &constant))
            return FAIL(e, ERR_INVALID, "%s%s must be one of %s", where, table[i].path, table[i].words);
        memcpy((char *)ret + table[i].offset, &constant, sizeof(constant));
    }
    return 0;
}

static int decode_technologies(const json_t *list, struct job_spec *ret, struct err *e)
{
    size_t count = json_array_size(list);
    if (count < 1 || count > TECHNOLOGY_COUNT)
        return FAIL(e, ERR_INVALID, "spec.confidential.technologies must list one to %d of SEV, SEV_SNP, TDX",
                    TECHNOLOGY_COUNT);
    ret->technology_count = count;
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        ret->technologies[i] = technology_from_name(name != NULL ? name : "");
        if (ret->technologies[i] == TECHNOLOGY_COUNT)
            return FAIL(e, ERR_INVALID, "spec.confidential.technologies[] must be one of SEV, SEV_SNP, TDX");
    }
    return 0;
}

static int decode_rules(const json_t *list, struct arena *a, struct job_failure_policy *ret, struct err *e)
{
    static const char where[] = "spec.failurePolicy.rules[].";
    size_t count = json_array_size(list);
    struct job_rule *rules = arena_calloc(a, count + 1, sizeof(*rules));
    for (size_t i = 0; i < count; i++) {
        const json_t *o = json_array_get(list, i);
        if (decode_words(rule_words, ARRAY_LEN(rule_words), o, where, &rules[i], e) < 0 ||
            fields_decode(rule_fields, ARRAY_LEN(rule_fields), o, where, &rules[i], e) < 0)
            return -1;
    }
    ret->rules = rules;
    ret->rule_count = count;
    return 0;
}

static int decode_volumes(const json_t *list, struct arena *a, struct job_trainer *ret, struct err *e)
{
    size_t count = json_array_size(list);
    struct job_volume *volumes = arena_calloc(a, count + 1, sizeof(*volumes));
    for (size_t i = 0; i < count; i++) {
        const json_t *o = json_array_get(list, i);
        volumes[i] = (struct job_volume){.name = "", .mount_path = "", .source = ""};
        volumes[i].kind = js_at(o, "memory") != NULL   ? VOLUME_MEMORY
                          : js_at(o, "secret") != NULL ? VOLUME_SECRET
                                                       : VOLUME_CONFIG_MAP;
        if (fields_decode(volume_fields, ARRAY_LEN(volume_fields), o, "spec.trainer.volumes[].", &volumes[i],
                          e) < 0)
            return -1;
    }
    ret->volumes = volumes;
    ret->volume_count = count;
    return 0;
}

static int decode_keys(const json_t *list, struct arena *a, struct job_spec *ret, struct err *e)
{
    size_t count = json_array_size(list);
    struct job_key *keys = arena_calloc(a, count + 1, sizeof(*keys));
    for (size_t i = 0; i < count; i++) {
        keys[i] = (struct job_key){.name = "", .kms_key_name = "", .wrapped_keyset = ""};
        if (fields_decode(key_fields, ARRAY_LEN(key_fields), json_array_get(list, i), "spec.keys[].",
                          &keys[i], e) < 0)
            return -1;
    }
    ret->keys = keys;
    ret->key_count = count;
    return 0;
}

static int decode_inputs(const json_t *list, struct arena *a, struct job_spec *ret, struct err *e)
{
    size_t count = json_array_size(list);
    struct job_input *inputs = arena_calloc(a, count + 1, sizeof(*inputs));
    for (size_t i = 0; i < count; i++) {
        inputs[i] = (struct job_input){.name = "", .uri = "", .key_name = "", .associated_data = "Object"};
        if (fields_decode(input_fields, ARRAY_LEN(input_fields), json_array_get(list, i), "spec.inputs[].",
                          &inputs[i], e) < 0)
            return -1;
    }
    ret->inputs = inputs;
    ret->input_count = count;
    return 0;
}

static int decode_spec(const json_t *spec, struct arena *a, struct job_spec *ret, struct err *e)
{
    *ret = spec_defaults;
    if (fields_decode(spec_fields, ARRAY_LEN(spec_fields), spec, "spec.", ret, e) < 0 ||
        decode_words(spec_words, ARRAY_LEN(spec_words), spec, "spec.", ret, e) < 0 ||
        decode_technologies(js_at(spec, "confidential.technologies"), ret, e) < 0 ||
        decode_rules(js_at(spec, "failurePolicy.rules"), a, &ret->failure_policy, e) < 0 ||
        decode_volumes(js_at(spec, "trainer.volumes"), a, &ret->trainer, e) < 0 ||
        decode_keys(js_at(spec, "keys"), a, ret, e) < 0 ||
        decode_inputs(js_at(spec, "inputs"), a, ret, e) < 0)
        return -1;
    return job_spec_validate(ret, e);
}

int job_decode(const json_t *object, struct arena *a, struct job *ret, struct err *e)
{
    struct job j = {.ns = "", .name = "", .uid = "", .resource_version = ""};
    if (fields_decode(metadata_fields, ARRAY_LEN(metadata_fields), js_at(object, "metadata"), "metadata.", &j,
                      e) < 0)
        return -1;
    if (*j.name == '\0' || *j.ns == '\0' || *j.uid == '\0')
        return FAIL(e, ERR_INVALID, "the object has no name, namespace or uid");
    j.is_deleting = js_at(object, "metadata.deletionTimestamp") != NULL;
    status_decode(js_at(object, "status"), a, &j.status);

    struct err problem CLEANUP(err_fini) = {0};
    if (decode_spec(js_at(object, "spec"), a, &j.spec, &problem) < 0) {
        char *text CLEANUP(cleanup_free) = err_text(&problem);
        j.spec_problem = arena_strdup(a, text);
    }
    *ret = j;
    return 0;
}
