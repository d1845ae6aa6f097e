#include "core/model/report_facts.h"

#include <stdlib.h>
#include <string.h>

#include "api/progress_json.h"
#include "data/field.h"
#include "base/alloc.h"
#include "base/pack.h"
#include "core/model/world.h"
#include "data/js.h"

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
    REPORT("stage", TEXT, stage),
    REPORT("reason", TEXT, reason),
    REPORT("class", TEXT, failure_class),
    REPORT("message", TEXT, message),
    REPORT("exitCode", INT32, exit_code),
    REPORT("checkpoint.uri", TEXT, checkpoint.uri),
    REPORT("checkpoint.name", TEXT, checkpoint.name),
    REPORT("checkpoint.step", INT64, checkpoint.step),
    REPORT("checkpoint.time", TEXT, checkpoint.time),
    REPORT("checkpoint.manifestSHA256", TEXT, checkpoint.manifest_sha256),
    REPORT("progress", OBJECT, progress),
    REPORT("output.uri", TEXT, output.uri),
    REPORT("output.manifestSHA256", TEXT, output.manifest_sha256),
};

static bool is_of(const struct identity *id, const struct pod_facts *p)
{
    return id->version == REPORT_VERSION && id->attempt == p->attempt && id->index == p->index &&
           strcmp(id->pod_uid, p->uid) == 0;
}

/* Lengths that the status allows; what is longer did not come from our agent. */
static bool fits(const struct report *r)
{
    return strlen(r->checkpoint.uri) <= 2048 && strlen(r->checkpoint.name) <= 1024 &&
           strlen(r->checkpoint.time) <= 64 && strlen(r->checkpoint.manifest_sha256) <= 64 &&
           strlen(r->output.uri) <= 2048 && strlen(r->output.manifest_sha256) <= 64 &&
           strlen(r->reason) <= 64 && strlen(r->failure_class) <= 32 && strlen(r->message) <= 4096;
}

/* False when it is no report, or one of another pod, attempt or index. */
static bool read_report(const json_t *tree, const struct pod_facts *p, struct report *ret)
{
    struct identity id = {.version = 0, .attempt = -1, .index = -1, .pod_uid = "", .result = ""};
    struct report r = {
        .stage = "",
        .reason = "",
        .failure_class = "",
        .message = "",
        .exit_code = -1,
        .checkpoint = {.uri = "", .name = "", .time = "", .manifest_sha256 = ""},
        .output = {.uri = "", .manifest_sha256 = ""},
    };
    if (fields_decode(identity_fields, ARRAY_LEN(identity_fields), tree, "", &id, NULL) < 0 ||
        !is_of(&id, p) || fields_decode(report_fields, ARRAY_LEN(report_fields), tree, "", &r, NULL) < 0 ||
        !fits(&r))
        return false;
    r.has_succeeded = strcmp(id.result, "Succeeded") == 0;
    *ret = r;
    return true;
}

bool report_of_pod(const struct pod_facts *p, struct arena *a, struct report *ret)
{
    if (p->agent.state != CONTAINER_TERMINATED || *p->agent.message == '\0')
        return false;
    json_t *tree = json_loads(p->agent.message, JSON_REJECT_DUPLICATES, NULL);
    if (tree == NULL)
        return false;
    return read_report(js_keep(a, tree), p, ret);
}

/* ---- posted ---- */

#define POSTED(member) offsetof(struct report_facts, member)

/* Only what makes sense of it is kept. */
static char *progress_text(const struct report *r)
{
    struct arena *a = arena_new();
    struct status_progress progress;
    char *text = NULL;
    if (progress_decode(r->progress, a, &progress)) {
        json_t *o = progress_encode(&progress);
        text = js_dump(o);
        json_decref(o);
    }
    arena_free(a);
    return text;
}

struct report_facts *report_facts_new(const json_t *report, const struct pod_facts *pod, struct err *e)
{
    static const size_t texts[] = {
        POSTED(pod_uid),         POSTED(stage),           POSTED(reason),
        POSTED(failure_class),   POSTED(message),         POSTED(checkpoint.uri),
        POSTED(checkpoint.name), POSTED(checkpoint.time), POSTED(checkpoint.manifest_sha256),
        POSTED(progress),
    };
    struct report r;
    if (!read_report(report, pod, &r)) {
        err_set(e, ERR_INVALID, pod->name, "this is no report of the pod %s", pod->name);
        return NULL;
    }
    char *progress CLEANUP(cleanup_free) = progress_text(&r);
    struct report_facts f = {.pod_uid = pod->uid,
                             .stage = r.stage,
                             .reason = r.reason,
                             .failure_class = r.failure_class,
                             .message = r.message,
                             .exit_code = r.exit_code,
                             .checkpoint = r.checkpoint,
                             .progress = progress};
    return pack_block(&f, sizeof(f), texts, ARRAY_LEN(texts));
}

bool report_facts_equal(const struct report_facts *a, const struct report_facts *b)
{
    return a->exit_code == b->exit_code && a->checkpoint.step == b->checkpoint.step &&
           strcmp(a->stage, b->stage) == 0 && strcmp(a->reason, b->reason) == 0 &&
           strcmp(a->failure_class, b->failure_class) == 0 && strcmp(a->message, b->message) == 0 &&
           strcmp(a->checkpoint.uri, b->checkpoint.uri) == 0 && strcmp(a->progress, b->progress) == 0;
}

int report_facts_order(const void *a, const void *b)
{
    const struct report_facts *const *x = a;
    const struct report_facts *const *y = b;
    return strcmp((*x)->pod_uid, (*y)->pod_uid);
}

const struct report_facts *report_facts_of_pod(const struct world *w, const struct pod_facts *p)
{
    const struct report_facts key = {.pod_uid = p->uid};
    const struct report_facts *wanted = &key;
    if (w->report_count == 0)
        return NULL;
    const struct report_facts *const *found =
        bsearch(&wanted, w->reports, w->report_count, sizeof(*w->reports), report_facts_order);
    return found != NULL ? *found : NULL;
}
