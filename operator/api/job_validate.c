#include "api/job_validate.h"

#include <string.h>

#include "data/quantity.h"

#include "base/banned.h"

/* No node has more, and no sum of two sizes up to this overflows. */
#define BYTES_MAX ((int64_t)1 << 50)

static int check_required(const struct job_spec *s, struct err *e)
{
    if (*s->service_account_name == '\0')
        return FAIL(
            e, ERR_INVALID,
            "spec.serviceAccountName is missing; set it to the service account that IAM grants access to");
    if (*s->trainer.image == '\0')
        return FAIL(e, ERR_INVALID, "spec.trainer.image is missing; set it to the program's image");
    if (json_array_size(s->trainer.command) == 0)
        return FAIL(e, ERR_INVALID, "spec.trainer.command is missing; set it to the command to run");
    if (s->replicas < 1 || s->replicas > REPLICAS_MAX)
        return FAIL(e, ERR_INVALID, "spec.replicas must be between 1 and %d", REPLICAS_MAX);
    if (s->active_deadline_seconds < 0 || s->active_deadline_seconds > INT32_MAX)
        return FAIL(e, ERR_INVALID, "spec.activeDeadlineSeconds must be between 1 and %d", INT32_MAX);
    return 0;
}

static int check_amounts(const json_t *amounts, const char *where, struct err *e)
{
    const char *name;
    const json_t *value;
    int64_t amount = 0;
    /* The iterator macro takes a mutable tree; nothing is changed. */
    json_t *o = json_incref((json_t *)(uintptr_t)amounts);
    int rc = 0;
    json_object_foreach(o, name, value)
    {
        if (rc == 0 && (quantity_from_json(value, &amount) < 0 || amount > BYTES_MAX))
            rc = FAIL(e, ERR_INVALID,
                      "spec.trainer.resources.%s: the amount of %s is invalid or too large; correct it",
                      where, name);
    }
    json_decref(o);
    return rc;
}

static int check_memory_request(const struct job_spec *s, struct err *e)
{
    int64_t limit = 0;
    int64_t request = 0;
    const json_t *limit_value = json_object_get(s->trainer.limits, "memory");
    const json_t *request_value = json_object_get(s->trainer.requests, "memory");
    if (limit_value != NULL && request_value != NULL && quantity_from_json(limit_value, &limit) == 0 &&
        quantity_from_json(request_value, &request) == 0 && request > limit)
        return FAIL(
            e, ERR_INVALID,
            "spec.trainer.resources: the memory request is above the limit; lower it or raise the limit");
    return 0;
}

static int check_volumes(const struct job_spec *s, struct err *e)
{
    if (s->input_limit_bytes < 1 || s->input_limit_bytes > BYTES_MAX)
        return FAIL(e, ERR_INVALID, "spec.staging.inputLimit is not a valid size, or too large; correct it");
    if (s->output_limit_bytes < 1 || s->output_limit_bytes > BYTES_MAX)
        return FAIL(e, ERR_INVALID, "spec.staging.outputLimit is not a valid size, or too large; correct it");
    return 0;
}

static bool has_key(const struct job_spec *s, const char *name)
{
    for (size_t i = 0; i < s->key_count; i++)
        if (strcmp(s->keys[i].name, name) == 0)
            return true;
    return false;
}

static int check_key(const struct job_spec *s, const char *where, const char *name, struct err *e)
{
    if (!has_key(s, name))
        return FAIL(e, ERR_INVALID, "%s: no entry of spec.keys is named '%s'; add it or correct the name",
                    where, name);
    return 0;
}

static int check_keys(const struct job_spec *s, struct err *e)
{
    for (size_t i = 0; i < s->input_count; i++)
        if (check_key(s, "spec.inputs[].keyName", s->inputs[i].key_name, e) < 0)
            return -1;
    if (*s->checkpoints_uri != '\0' &&
        check_key(s, "spec.checkpoints.keyName", s->checkpoints_key_name, e) < 0)
        return -1;
    if (*s->output_uri != '\0' && check_key(s, "spec.output.keyName", s->output_key_name, e) < 0)
        return -1;
    return 0;
}

int job_spec_validate(const struct job_spec *s, struct err *e)
{
    if (check_required(s, e) < 0 || check_amounts(s->trainer.limits, "limits", e) < 0 ||
        check_amounts(s->trainer.requests, "requests", e) < 0 || check_memory_request(s, e) < 0 ||
        check_volumes(s, e) < 0)
        return -1;
    return check_keys(s, e);
}
