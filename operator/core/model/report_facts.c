#include "core/model/report_facts.h"

#include <stdlib.h>
#include <string.h>

#include "api/progress_json.h"
#include "base/alloc.h"
#include "base/pack.h"
#include "core/model/world.h"
#include "data/js.h"

#include "base/banned.h"

static bool is_of(const struct report *r, const struct pod_facts *p)
{
    return r->attempt == p->attempt && r->index == p->index && strcmp(r->pod_uid, p->uid) == 0;
}

/* Lengths that the status allows; what is longer did not come from our agent. */
static bool fits(const struct report *r)
{
    return strlen(r->checkpoint.uri) <= 2048 && strlen(r->checkpoint.name) <= 1024 &&
           strlen(r->restored.name) <= 1024 && strlen(r->checkpoint.time) <= 64 &&
           strlen(r->checkpoint.manifest_sha256) <= 64 && strlen(r->output.uri) <= 2048 &&
           strlen(r->output.manifest_sha256) <= 64 && strlen(r->reason) <= 64 &&
           strlen(r->message) <= REPORT_BYTES_MAX && strlen(r->warning) <= REPORT_BYTES_MAX;
}

/* False when it is no report, or one of another pod, attempt or index. */
static bool read_report(const json_t *tree, const struct pod_facts *p, struct report *ret)
{
    struct report r;
    if (report_decode(tree, &r, NULL) < 0 || !is_of(&r, p) || !fits(&r))
        return false;
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
        POSTED(pod_uid),         POSTED(reason),
        POSTED(message),         POSTED(warning),
        POSTED(checkpoint.uri),  POSTED(checkpoint.name),
        POSTED(checkpoint.time), POSTED(checkpoint.manifest_sha256),
        POSTED(restored.name),   POSTED(progress),
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
                             .warning = r.warning,
                             .exit_code = r.exit_code,
                             .checkpoint = r.checkpoint,
                             .restored = r.restored,
                             .progress = progress};
    return pack_block(&f, sizeof(f), texts, ARRAY_LEN(texts));
}

bool report_facts_equal(const struct report_facts *a, const struct report_facts *b)
{
    return a->exit_code == b->exit_code && a->checkpoint.step == b->checkpoint.step && a->stage == b->stage &&
           strcmp(a->restored.name, b->restored.name) == 0 &&
           lineage_compare(a->restored.at, b->restored.at) == 0 &&
           lineage_compare(a->checkpoint.at, b->checkpoint.at) == 0 && a->failure_class == b->failure_class &&
           strcmp(a->reason, b->reason) == 0 && strcmp(a->message, b->message) == 0 &&
           strcmp(a->warning, b->warning) == 0 && strcmp(a->checkpoint.uri, b->checkpoint.uri) == 0 &&
           strcmp(a->progress, b->progress) == 0;
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
