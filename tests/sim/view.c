/*
 * An operator's real caches as the world of plan(), as the shell's reconcile.c makes it, and
 * the real expectations of operator/shell/cache/expectations.c, which are flat between steps.
 */
#include <stdlib.h>
#include <string.h>

#include "api/names.h"
#include "base/arena.h"
#include "core/model/report_facts.h"
#include "objects.h"
#include "os/loop.h"

#include "base/banned.h"

/* ---- the world ---- */

static struct refusal refusal_of(const struct oper *o, struct arena *a)
{
    char name[NAME_SIZE];
    if (o->refused_count == 0)
        return (struct refusal){.child = {.name = ""}, .message = ""};
    name_pod(JOB_NAME, o->refused_index, o->refused_attempt, name);
    const struct action act = {.kind = (enum action_kind)o->refused_kind,
                               .attempt = o->refused_attempt,
                               .name = arena_strdup(a, name)};
    return (struct refusal){.child = child_of_action(&act),
                            .message = "exceeded quota",
                            .at_us = SIM_EPOCH_US + o->refused_ms * INT64_C(1000),
                            .count = o->refused_count,
                            .is_told = o->is_refusal_told};
}

/*
 * What agents posted. It comes by another way than the caches, so it is news of pods of which
 * the view may still be old: always what is true now.
 */
static const struct report_facts *report_by(const struct pod *p, const char *uid, struct arena *a)
{
    struct report_facts *f = arena_alloc(a, sizeof(*f));
    bool is_well = p->trainer == T_EXIT_0;
    *f = (struct report_facts){
        .pod_uid = uid,
        .stage = p->told == TOLD_SUCCEEDED ? STAGE_DONE
                 : is_well                 ? STAGE_PUBLISHING
                                           : STAGE_RUNNING,
        .reason = "",
        .message = "",
        .warning = "",
        .exit_code = is_well ? 0 : -1,
        .checkpoint = {.uri = "", .name = "", .time = "", .manifest_sha256 = ""},
        /* What the first attempt has committed. */
        .restored = {.name = p->attempt > 1 ? "step-1" : "", .at = {p->attempt > 1, p->attempt > 1}},
        .progress = ""};
    if (p->told == TOLD_FAILED || p->told == TOLD_SECURITY) {
        f->reason = p->told == TOLD_FAILED ? "CommandFailed" : "DataTampered";
        f->failure_class = p->told == TOLD_FAILED ? CLASS_Application : CLASS_Security;
    }
    return f;
}

/* NULL: that pod is gone, or its containers do not run yet. */
static const struct pod *teller(const struct state *s, const char *uid)
{
    unsigned long number = strtoul(uid + strlen("uid-"), NULL, 10);
    for (size_t i = 0; i < PODS; i++)
        if (s->pods[i].number == number)
            return s->pods[i].trainer == T_NONE ? NULL : &s->pods[i];
    return NULL;
}

static void add_reports(const struct state *s, struct arena *a, struct world *w)
{
    const struct report_facts **list = arena_calloc(a, w->pod_count + 1, sizeof(*list));
    for (size_t i = 0; i < w->pod_count; i++) {
        const struct pod *p = teller(s, w->pods[i]->uid);
        if (p != NULL)
            list[w->report_count++] = report_by(p, w->pods[i]->uid, a);
    }
    qsort(list, w->report_count, sizeof(*list), report_facts_order);
    w->reports = list;
}

static void add_departed(const struct oper *o, struct arena *a, struct world *w)
{
    const struct pod_facts **list = arena_calloc(a, DEPARTED, sizeof(*list));
    for (uint8_t i = 0; i < o->departed_planned; i++)
        list[i] = object_pod(&o->departed[i]);
    w->departed = list;
    w->departed_count = o->departed_planned;
}

void view_world(const struct state *s, const struct oper *o, const struct caches *c, struct arena *a,
                struct world *ret)
{
    const struct cached_job *cached = caches_job(c, NAMESPACE, JOB_NAME);
    struct job *job = arena_alloc(a, sizeof(*job));
    char service[NAME_SIZE], policy[NAME_SIZE];
    name_service(JOB_NAME, service);
    *job = *object_job(cached);
    name_policy(JOB_NAME, job->uid, policy);
    job->resource_version = cached->resource_version;
    *ret = (struct world){.now_us = SIM_EPOCH_US + s->ms * INT64_C(1000),
                          .config = &sim_config,
                          .job = job,
                          .ns = caches_namespace(c, NAMESPACE),
                          .service = caches_service(c, NAMESPACE, service),
                          .policy = caches_policy(c, NAMESPACE, policy),
                          .refusal = refusal_of(o, a),
                          .scaling = {.pod_uid = "", .message = ""}};
    ret->pods = caches_pods_of(c, job->uid, &ret->pod_count);
    add_departed(o, a, ret);
    ret->nodes = caches_nodes_of(c, ret->pods, ret->pod_count, a, &ret->node_count);
    memcpy(ret->confidential_nodes, c->confidential_nodes, sizeof(ret->confidential_nodes));
    memcpy(ret->spot_nodes, c->spot_nodes, sizeof(ret->spot_nodes));
    add_reports(s, a, ret);
    if (o->status_ms && o->status_ms + STATUS_PAUSE_MS > s->ms)
        ret->status_after_us = SIM_EPOCH_US + (o->status_ms + STATUS_PAUSE_MS) * INT64_C(1000);
}

/* ---- expectations, to and from the flat form ---- */

static void put(struct expectations *x, const struct oper *o, const struct simexpect *e)
{
    char job_uid[16];
    (void)snprintf(job_uid, sizeof(job_uid), "job-%d", o->item_job);
    char name[NAME_SIZE] = JOB_NAME, text[16];
    if (e->cache == CACHE_PODS)
        name_pod(JOB_NAME, e->index, e->attempt, name);
    else if (e->cache == CACHE_SERVICES)
        name_service(JOB_NAME, name);
    else if (e->cache == CACHE_POLICIES)
        name_policy(JOB_NAME, job_uid, name);
    (void)snprintf(text, sizeof(text), e->kind == EXPECT_VERSION ? "%d" : "uid-%d",
                   e->kind == EXPECT_VERSION ? e->version : e->number);
    expect(x, (enum expectation_kind)e->kind, (enum cache)e->cache, name,
           e->kind == EXPECT_LIST ? NULL : text);
    x->first->since_ms = e->since_ms;
}

static void put_all(struct expectations *x, const struct oper *o)
{
    for (uint8_t i = 0; i < o->expect_count; i++)
        put(x, o, &o->expects[i]);
}

/* What is left is recognised by its moment and place: each write has its own. */
static bool is_left(const struct expectations *x, const struct simexpect *e)
{
    for (const struct expectation *at = x->first; at != NULL; at = at->next)
        if (at->since_ms == e->since_ms && at->kind == (enum expectation_kind)e->kind &&
            at->cache == (enum cache)e->cache)
            return true;
    return false;
}

static void keep_left(struct expectations *x, struct oper *o)
{
    uint8_t kept = 0;
    for (uint8_t i = 0; i < o->expect_count; i++)
        if (is_left(x, &o->expects[i]))
            o->expects[kept++] = o->expects[i];
    memset(&o->expects[kept], 0, (size_t)(EXPECTS - kept) * sizeof(o->expects[0]));
    o->expect_count = kept;
    expectations_fini(x);
}

bool view_is_current(struct oper *o, const struct caches *c)
{
    struct expectations x = {0};
    int64_t wait_ms = 0;
    if (o->expect_count == 0)
        return true;
    put_all(&x, o);
    bool are_met = expectations_are_met(&x, c, NAMESPACE, &wait_ms);
    keep_left(&x, o);
    return are_met;
}

void view_note_gone(struct oper *o, const char *uid)
{
    struct expectations x = {0};
    put_all(&x, o);
    expectations_note_deleted(&x, uid);
    keep_left(&x, o);
}

void view_expect(const struct state *s, struct oper *o, enum expectation_kind kind, enum cache cache,
                 const struct simwrite *w, uint16_t number)
{
    if (o->expect_count == EXPECTS)
        abort();
    o->expects[o->expect_count++] = (struct simexpect){.kind = (uint8_t)kind,
                                                       .cache = (uint8_t)cache,
                                                       .attempt = w->attempt,
                                                       .index = w->index,
                                                       .number = kind == EXPECT_VERSION ? 0 : (uint8_t)number,
                                                       .version = kind == EXPECT_VERSION ? number : 0,
                                                       .since_ms = s->ms};
}
