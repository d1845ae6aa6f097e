#include "core/report.h"

#include <string.h>

#include "api/field.h"

#include "base/banned.h"

#define REPORT_VERSION 1

struct identity {
    int32_t version;
    int32_t attempt;
    int32_t index;
    const char *pod_uid;
    const char *result;
};

static const struct field identity_fields[] = {
    {"version", FIELD_INT32, offsetof(struct identity, version), false},
    {"attempt", FIELD_INT32, offsetof(struct identity, attempt), false},
    {"index", FIELD_INT32, offsetof(struct identity, index), false},
    {"podUID", FIELD_TEXT, offsetof(struct identity, pod_uid), false},
    {"result", FIELD_TEXT, offsetof(struct identity, result), false},
};

#define REPORT(path, kind, member)                                                                           \
    {                                                                                                        \
        path, FIELD_##kind, offsetof(struct report, member), false                                           \
    }

static const struct field report_fields[] = {
    REPORT("reason", TEXT, reason),
    REPORT("class", TEXT, class),
    REPORT("message", TEXT, message),
    REPORT("exitCode", INT32, exit_code),
    REPORT("checkpoint.uri", TEXT, checkpoint.uri),
    REPORT("checkpoint.name", TEXT, checkpoint.name),
    REPORT("checkpoint.step", INT64, checkpoint.step),
    REPORT("checkpoint.time", TEXT, checkpoint.time),
    REPORT("checkpoint.manifestSHA256", TEXT, checkpoint.manifest_sha256),
    REPORT("output.uri", TEXT, output.uri),
    REPORT("output.manifestSHA256", TEXT, output.manifest_sha256),
};

static void release(void *tree)
{
    json_decref(tree);
}

static bool is_of(const struct identity *id, const struct pod_facts *p)
{
    return id->version == REPORT_VERSION && id->attempt == p->attempt && id->index == p->index &&
           strcmp(id->pod_uid, p->uid) == 0;
}

bool report_of_pod(const struct pod_facts *p, struct arena *a, struct report *ret)
{
    if (p->agent.state != CONTAINER_TERMINATED || !*p->agent.message)
        return false;
    json_t *tree = json_loads(p->agent.message, JSON_REJECT_DUPLICATES, NULL);
    if (!tree)
        return false;
    arena_defer(a, release, tree);
    struct identity id = {.version = 0, .attempt = -1, .index = -1, .pod_uid = "", .result = ""};
    struct report r = {
        .reason = "",
        .class = "",
        .message = "",
        .exit_code = -1,
        .checkpoint = {.uri = "", .name = "", .time = "", .manifest_sha256 = ""},
        .output = {.uri = "", .manifest_sha256 = ""},
    };
    if (fields_decode(identity_fields, ARRAY_LEN(identity_fields), tree, "", &id, NULL) < 0 ||
        !is_of(&id, p) || fields_decode(report_fields, ARRAY_LEN(report_fields), tree, "", &r, NULL) < 0)
        return false;
    r.has_succeeded = strcmp(id.result, "Succeeded") == 0;
    *ret = r;
    return true;
}
