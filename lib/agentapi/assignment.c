#include "agentapi/assignment.h"

#include "agentapi/fields_int.h"

#include "base/banned.h"

#define FIELD(path, kind, member)                                                                            \
    {                                                                                                        \
        path, FIELD_##kind, offsetof(struct assignment, member), true, NULL                                  \
    }
#define OPTIONAL(path, kind, member)                                                                         \
    {                                                                                                        \
        path, FIELD_##kind, offsetof(struct assignment, member), false, NULL                                 \
    }
#define KEY(path, member)                                                                                    \
    {                                                                                                        \
        path, FIELD_TEXT, offsetof(struct assignment_key, member), false, NULL                               \
    }
#define INPUT(path, member)                                                                                  \
    {                                                                                                        \
        path, FIELD_TEXT, offsetof(struct assignment_input, member), false, NULL                             \
    }

const struct field assignment_fields[ASSIGNMENT_FIELDS] = {
    FIELD("version", INT32, version),
    FIELD("job.namespace", TEXT, job_namespace),
    FIELD("job.name", TEXT, job),
    FIELD("job.uid", TEXT, job_uid),
    FIELD("attempt", INT32, attempt),
    FIELD("index", INT32, index),
    FIELD("replicas", INT32, replicas),
    FIELD("requireHSM", BOOL, require_hsm),
    FIELD("endpoints.metadata", TEXT, metadata_url),
    FIELD("endpoints.kms", TEXT, kms_url),
    FIELD("endpoints.storage", TEXT, storage_url),
    FIELD("endpoints.caBundle", TEXT, ca_bundle),
    FIELD("checkpoints.uri", TEXT, checkpoints_uri),
    FIELD("checkpoints.keyName", TEXT, checkpoints_key),
    FIELD("checkpoints.anchor", TEXT, checkpoints_anchor),
    OPTIONAL("checkpoints.passedOver.attempt", INT64, checkpoints_passed_over.at.attempt),
    OPTIONAL("checkpoints.passedOver.sequence", INT64, checkpoints_passed_over.at.sequence),
    OPTIONAL("checkpoints.passedOver.untilAttempt", INT32, checkpoints_passed_over.until_attempt),
    FIELD("output.uri", TEXT, output_uri),
    FIELD("output.keyName", TEXT, output_key),
    FIELD("output.publish", BOOL, must_publish),
    FIELD("reports.url", TEXT, reports_url),
    FIELD("reports.ca", TEXT, reports_ca),
    FIELD("ports.progress", INT32, progress_port),
    FIELD("ports.metrics", INT32, metrics_port),
    FIELD("inputLimitBytes", INT64, input_limit_bytes),
    FIELD("agentMemoryBytes", INT64, agent_memory_bytes),
    FIELD("connections", INT32, connections),
};

const struct field assignment_key_fields[ASSIGNMENT_KEY_FIELDS] = {
    KEY("name", name),
    KEY("kmsKeyName", kms_key_name),
    KEY("wrappedKeyset", wrapped_keyset),
};

const struct field assignment_input_fields[ASSIGNMENT_INPUT_FIELDS] = {
    INPUT("name", name),
    INPUT("uri", uri),
    INPUT("keyName", key_name),
    INPUT("associatedData", associated_data),
};

/* One object for each item of an array of structs. */
static json_t *encode_list(const struct field *table, size_t fields, const void *items, size_t count,
                           size_t item_size)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *item = json_object();
        fields_encode(table, fields, (const char *)items + i * item_size, item);
        json_array_append_new(list, item);
    }
    return list;
}

json_t *assignment_encode(const struct assignment *from)
{
    struct assignment versioned = *from;
    versioned.version = ASSIGNMENT_VERSION;
    json_t *tree = json_object();
    fields_encode(assignment_fields, ASSIGNMENT_FIELDS, &versioned, tree);
    json_object_set_new(tree, "keys",
                        encode_list(assignment_key_fields, ASSIGNMENT_KEY_FIELDS, from->keys, from->key_count,
                                    sizeof(*from->keys)));
    json_object_set_new(tree, "inputs",
                        encode_list(assignment_input_fields, ASSIGNMENT_INPUT_FIELDS, from->inputs,
                                    from->input_count, sizeof(*from->inputs)));
    return tree;
}

static int decode_keys(const json_t *list, struct arena *a, struct assignment *ret, struct err *e)
{
    size_t count = json_array_size(list);
    struct assignment_key *keys = arena_calloc(a, count, sizeof(*keys));
    for (size_t i = 0; i < count; i++) {
        keys[i] = (struct assignment_key){"", "", ""};
        if (fields_decode(assignment_key_fields, ASSIGNMENT_KEY_FIELDS, json_array_get(list, i), "keys[].",
                          &keys[i], e) < 0)
            return -1;
    }
    ret->keys = keys;
    ret->key_count = count;
    return 0;
}

static int decode_inputs(const json_t *list, struct arena *a, struct assignment *ret, struct err *e)
{
    size_t count = json_array_size(list);
    struct assignment_input *inputs = arena_calloc(a, count, sizeof(*inputs));
    for (size_t i = 0; i < count; i++) {
        inputs[i] = (struct assignment_input){"", "", "", ""};
        if (fields_decode(assignment_input_fields, ASSIGNMENT_INPUT_FIELDS, json_array_get(list, i),
                          "inputs[].", &inputs[i], e) < 0)
            return -1;
    }
    ret->inputs = inputs;
    ret->input_count = count;
    return 0;
}

static int check(const struct assignment *x, struct err *e)
{
    if (x->version != ASSIGNMENT_VERSION)
        return FAIL(e, ERR_INVALID,
                    "unsupported version %d of the assignment (want %d): operator and worker image are from "
                    "different releases",
                    (int)x->version, ASSIGNMENT_VERSION);
    if (x->attempt < 1 || x->index < 0 || x->index >= x->replicas || *x->job_uid == '\0')
        return FAIL(e, ERR_INVALID, "the assignment names no job, attempt or worker");
    if (x->connections < 1 || x->connections > ASSIGNMENT_CONNECTIONS_MAX || x->input_limit_bytes < 0 ||
        x->agent_memory_bytes < 0)
        return FAIL(e, ERR_INVALID, "a limit of the assignment is out of range");
    return 0;
}

int assignment_decode(const json_t *tree, struct arena *a, struct assignment *ret, struct err *e)
{
    struct assignment x = ASSIGNMENT_NONE;
    if (fields_decode(assignment_fields, ASSIGNMENT_FIELDS, tree, "", &x, e) < 0 ||
        decode_keys(json_object_get(tree, "keys"), a, &x, e) < 0 ||
        decode_inputs(json_object_get(tree, "inputs"), a, &x, e) < 0 || check(&x, e) < 0)
        return -1;
    *ret = x;
    return 0;
}
