/* TrainingJob objects of the API server as struct job. The table is compared with crds/ by
 * tests/unit/t_job.c. */
#include "api/job.h"

#include <stddef.h>
#include <string.h>

#include "api/field.h"
#include "data/js.h"
#include "api/job_validate.h"
#include "base/alloc.h"

#include "base/banned.h"

#define SPEC(path, kind, member)                                                                             \
    {                                                                                                        \
        path, FIELD_##kind, offsetof(struct job_spec, member), false                                         \
    }

static const struct field spec_fields[] = {
    SPEC("serviceAccountName", TEXT, service_account_name),
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
    SPEC("scheduling.nodeSelector", OBJECT, node_selector),
    SPEC("scheduling.tolerations", ARRAY, tolerations),
    SPEC("scheduling.priorityClassName", TEXT, priority_class_name),
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
};

#define KEY(path, member)                                                                                    \
    {                                                                                                        \
        path, FIELD_TEXT, offsetof(struct job_key, member), false                                            \
    }

static const struct field key_fields[] = {
    KEY("name", name),
    KEY("kmsKeyName", kms_key_name),
    KEY("wrappedKeyset", wrapped_keyset),
};

#define INPUT(path, member)                                                                                  \
    {                                                                                                        \
        path, FIELD_TEXT, offsetof(struct job_input, member), false                                          \
    }

static const struct field input_fields[] = {
    INPUT("name", name),
    INPUT("uri", uri),
    INPUT("keyName", key_name),
    INPUT("associatedData", associated_data),
};

#define META(path, kind, member)                                                                             \
    {                                                                                                        \
        path, FIELD_##kind, offsetof(struct job, member), false                                              \
    }

static const struct field metadata_fields[] = {
    META("name", TEXT, name),
    META("namespace", TEXT, namespace),
    META("uid", TEXT, uid),
    META("resourceVersion", TEXT, resource_version),
    META("generation", INT64, generation),
    META("creationTimestamp", TIME, created_us),
};

static const char *const technology_names[] = {[TECHNOLOGY_SEV] = "SEV",
                                               [TECHNOLOGY_SEV_SNP] = "SEV_SNP",
                                               [TECHNOLOGY_TDX] = "TDX",
                                               [TECHNOLOGY_COUNT] = ""};

const char *technology_name(enum technology t)
{
    return technology_names[t];
}

enum technology technology_from_name(const char *name)
{
    int t = 0;
    while (t < TECHNOLOGY_COUNT && strcmp(technology_names[t], name) != 0)
        t++;
    return (enum technology)t;
}

/* The defaults of crds/. */
static const struct job_spec spec_defaults = {
    .service_account_name = "",
    .technology = TECHNOLOGY_COUNT,
    .require_hsm = true,
    .replicas = 1,
    .trainer = {.image = "", .working_dir = ""},
    .priority_class_name = "",
    .input_limit_bytes = (int64_t)1 << 30,
    .output_limit_bytes = (int64_t)1 << 30,
    .checkpoints_uri = "",
    .checkpoints_key_name = "",
    .output_uri = "",
    .output_key_name = "",
    .failure_policy = {.max_restarts = 3, .max_disruptions = -1, .backoff_seconds = 10},
};

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
        decode_keys(js_at(spec, "keys"), a, ret, e) < 0 ||
        decode_inputs(js_at(spec, "inputs"), a, ret, e) < 0)
        return -1;
    const char *technology = json_string_value(json_array_get(js_at(spec, "confidential.technologies"), 0));
    ret->technology = technology ? technology_from_name(technology) : TECHNOLOGY_COUNT;
    return job_spec_validate(ret, e);
}

int job_decode(const json_t *object, struct arena *a, struct job *ret, struct err *e)
{
    struct job j = {.namespace = "", .name = "", .uid = "", .resource_version = ""};
    if (fields_decode(metadata_fields, ARRAY_LEN(metadata_fields), js_at(object, "metadata"), "metadata.", &j,
                      e) < 0)
        return -1;
    if (!*j.name || !*j.namespace || !*j.uid)
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
