#include "agentapi/report.h"

#include "agentapi/fields_int.h"

#include "base/banned.h"

#define FIELD(path, kind, member)                                                                            \
    {                                                                                                        \
        path, FIELD_##kind, offsetof(struct report, member), false, NULL                                     \
    }
#define NUMBER(path, kind, member)                                                                           \
    {                                                                                                        \
        path, FIELD_##kind, offsetof(struct report, member), true, NULL                                      \
    }
#define WORD(path, member, keep, words)                                                                      \
    {                                                                                                        \
        path, FIELD_WORD, offsetof(struct report, member), keep, words                                       \
    }

static const char *const results[] = {"Running", "Failed", "Succeeded", NULL};
static const char *const stages[] = {"",        "identity",   "keys", "staging",
                                     "running", "publishing", "done", NULL};

const struct field report_fields[REPORT_FIELDS] = {
    NUMBER("version", INT32, version),
    NUMBER("attempt", INT32, attempt),
    NUMBER("index", INT32, index),
    FIELD("podUID", TEXT, pod_uid),
    WORD("result", result, true, results),
    WORD("stage", stage, false, stages),
    WORD("class", failure_class, false, failure_class_names),
    FIELD("reason", TEXT, reason),
    FIELD("message", TEXT, message),
    FIELD("warning", TEXT, warning),
    NUMBER("exitCode", INT32, exit_code),
    FIELD("progress", OBJECT, progress),
    FIELD("checkpoint.uri", TEXT, checkpoint.uri),
    FIELD("checkpoint.name", TEXT, checkpoint.name),
    FIELD("checkpoint.step", INT64, checkpoint.step),
    FIELD("checkpoint.time", TEXT, checkpoint.time),
    FIELD("checkpoint.manifestSHA256", TEXT, checkpoint.manifest_sha256),
    FIELD("checkpoint.sequence", INT64, checkpoint.at.sequence),
    FIELD("restored.name", TEXT, restored.name),
    FIELD("restored.attempt", INT64, restored.at.attempt),
    FIELD("restored.sequence", INT64, restored.at.sequence),
    FIELD("output.uri", TEXT, output.uri),
    FIELD("output.manifestSHA256", TEXT, output.manifest_sha256),
};

const char *report_stage_name(enum report_stage stage)
{
    return stages[stage];
}

json_t *report_encode(const struct report *from)
{
    struct report versioned = *from;
    versioned.version = REPORT_VERSION;
    json_t *tree = json_object();
    fields_encode(report_fields, REPORT_FIELDS, &versioned, tree);
    return tree;
}

int report_decode(const json_t *tree, struct report *ret, struct err *e)
{
    struct report r = REPORT_NONE;
    if (fields_decode(report_fields, REPORT_FIELDS, tree, "", &r, e) < 0)
        return -1;
    if (r.version != REPORT_VERSION)
        return FAIL(e, ERR_INVALID, "unsupported version %d of the report (want %d)", (int)r.version,
                    REPORT_VERSION);
    if (*r.checkpoint.uri != '\0')
        r.checkpoint.at.attempt = r.attempt;
    *ret = r;
    return 0;
}
