/*
 * An operator: caches fed by watches that lag, and the rules of operator/shell
 * around the real plan() and the real expectations. A crash forgets everything.
 */
#include <string.h>

#include "sim.h"

#include "base/arena.h"
#include "base/banned.h"

/* ---- what the watches bring ---- */

static void touch(struct oper *o)
{
    o->due = 1;
}

/* expectations_note_gone() of the shell. */
static void note_gone(struct oper *o, enum cache cache, uint8_t number)
{
    uint8_t kept = 0;
    for (uint8_t i = 0; i < o->expect_count; i++)
        if (o->expects[i].cache != cache || o->expects[i].number != number)
            o->expects[kept++] = o->expects[i];
    memset(&o->expects[kept], 0, (size_t)(EXPECTS - kept) * sizeof(o->expects[0]));
    o->expect_count = kept;
}

void operator_see_job(struct oper *o)
{
    o->job = o->job_queue[0];
    o->jobs_queued--;
    memmove(o->job_queue, o->job_queue + 1, o->jobs_queued * sizeof(o->job_queue[0]));
    memset(&o->job_queue[o->jobs_queued], 0, sizeof(o->job_queue[0]));
    touch(o);
}

static void forget_pod(struct oper *o, struct pod *p)
{
    struct pod *last = p;
    while (last + 1 < o->pods + PODS && last[1].number)
        last++;
    note_gone(o, CACHE_PODS, p->number);
    memmove(p, p + 1, (size_t)(last - p) * sizeof(*p));
    memset(last, 0, sizeof(*last));
}

static void put_pod(struct oper *o, struct pod p)
{
    size_t at = 0, end = 0;
    while (end < PODS - 1 && o->pods[end].number)
        end++;
    while (at < end && (o->pods[at].attempt < p.attempt ||
                        (o->pods[at].attempt == p.attempt && o->pods[at].index < p.index)))
        at++;
    memmove(&o->pods[at + 1], &o->pods[at], (end - at) * sizeof(p));
    o->pods[at] = p;
}

void operator_see_pod(struct oper *o)
{
    struct pod p = o->pod_queue[0];
    struct pod *old = pod_named(o->pods, p.attempt, p.index);
    o->pods_queued--;
    memmove(o->pod_queue, o->pod_queue + 1, o->pods_queued * sizeof(p));
    memset(&o->pod_queue[o->pods_queued], 0, sizeof(p));
    if (p.flags & POD_GONE) {
        if (old)
            forget_pod(o, old);
    } else if (!old) {
        put_pod(o, p);
    } else {
        if (old->number != p.number)
            note_gone(o, CACHE_PODS, old->number);
        *old = p;
    }
    touch(o);
}

static void see_service(const struct state *s, struct oper *o)
{
    if (o->service.number && o->service.number != s->service.number)
        note_gone(o, CACHE_SERVICES, o->service.number);
    o->service = s->service;
    touch(o);
}

static void see_policies(const struct state *s, struct oper *o)
{
    for (size_t i = 0; i < JOBS; i++)
        if (o->policies[i].number && o->policies[i].number != s->policies[i].number)
            note_gone(o, CACHE_POLICIES, o->policies[i].number);
    memcpy(o->policies, s->policies, sizeof(o->policies));
    touch(o);
}

static void see_nodes(const struct state *s, struct oper *o)
{
    memcpy(o->nodes, s->nodes, sizeof(o->nodes));
    touch(o);
}

static void list(const struct state *s, struct oper *o, enum cache cache)
{
    o->relist[cache] = false;
    o->fresh_ms[cache] = s->ms;
    if (cache == CACHE_JOBS) {
        o->job = s->job;
        memset(o->job_queue, 0, sizeof(o->job_queue));
        o->jobs_queued = 0;
    } else if (cache == CACHE_PODS) {
        memcpy(o->pods, s->pods, sizeof(o->pods));
        memset(o->pod_queue, 0, sizeof(o->pod_queue));
        o->pods_queued = 0;
    } else if (cache == CACHE_SERVICES) {
        o->service = s->service;
    } else if (cache == CACHE_POLICIES) {
        memcpy(o->policies, s->policies, sizeof(o->policies));
    } else {
        see_nodes(s, o);
    }
    touch(o);
}

/* ---- a pass ---- */

static void forget_task(struct oper *o, uint8_t job)
{
    o->task_job = job;
    o->listed_for = 0;
    memset(o->expects, 0, sizeof(o->expects));
    o->expect_count = 0;
    o->refused_kind = o->refused_attempt = o->refused_index = o->refused_count = 0;
    o->refused_ms = 0;
}

static void end_pass(struct oper *o)
{
    o->in_pass = false;
    memset(o->writes, 0, sizeof(o->writes));
    o->write_count = 0;
    o->base = (struct simjob){0};
}

static const struct pod *viewed(const struct oper *o, const char *uid)
{
    for (size_t i = 0; i < PODS && o->pods[i].number; i++)
        if (strtoul(uid + strlen("uid-"), NULL, 10) == o->pods[i].number)
            return &o->pods[i];
    return NULL;
}

static void keep_write(struct oper *o, const struct action *a)
{
    struct simwrite w = {
        .kind = (uint8_t)a->kind, .attempt = (uint8_t)a->attempt, .index = (uint8_t)a->index};
    if (a->kind == ACTION_SET_STATUS)
        w.status = status_number(a->status);
    if (a->kind == ACTION_DELETE_POD) {
        const struct pod *p = viewed(o, a->uid);
        w.attempt = p->attempt;
        w.index = p->index;
        w.pod = p->number;
    }
    if (a->kind == ACTION_UPDATE_POLICY)
        w.version = (uint16_t)strtoul(a->version, NULL, 10);
    o->writes[o->write_count++] = w;
}

static const char *make_plan(const struct state *s, struct oper *o, uint8_t op)
{
    struct world w;
    struct arena *a CLEANUP(cleanup_arena) = arena_new();
    struct plan plan = view_plan(s, op, a, &w);
    const char *law = law_of_plan(&w, &plan);
    o->wake_ms = 0;
    o->base = o->job;
    for (size_t i = 0; i < plan.count && !law; i++) {
        const struct action *act = &plan.actions[i];
        if (act->kind == ACTION_WAKE_AT)
            o->wake_ms = (uint32_t)((act->at_us - SIM_EPOCH_US) / 1000) + 1;
        else if (act->kind != ACTION_EVENT && o->write_count == WRITES)
            law = "a plan of this small job has more writes than pods";
        else if (act->kind != ACTION_EVENT)
            keep_write(o, act);
    }
    o->in_pass = o->write_count > 0;
    if (!o->in_pass)
        end_pass(o);
    return law;
}

/* As the shell's pass.c: pods that the status counts and the cache lacks are looked for in a list. */
static bool must_list_pods(const struct state *s, struct oper *o)
{
    const struct job_status *now = status_of(o->job.status);
    int missing = now->workers.active + now->workers.succeeded + now->workers.failed;
    for (size_t i = 0; i < PODS && o->pods[i].number; i++)
        missing -= o->pods[i].job == o->job.number && o->pods[i].attempt == now->attempt;
    if (missing <= 0 || status_is_finished(now) || o->listed_for == o->job.version)
        return false;
    o->listed_for = o->job.version;
    view_expect(s, o, EXPECT_LIST, CACHE_PODS, &(struct simwrite){0}, 0);
    touch(o);
    return true;
}

static const char *run_pass(const struct state *s, struct oper *o, uint8_t op)
{
    o->due = 0;
    if (!o->job.number) {
        forget_task(o, 0);
        o->wake_ms = 0;
        return NULL;
    }
    if (o->task_job != o->job.number)
        forget_task(o, o->job.number);
    if (!view_is_current(s, o)) {
        o->due = 2;
        return NULL;
    }
    return must_list_pods(s, o) ? NULL : make_plan(s, o, op);
}

/* ---- writes ---- */

bool is_create(const struct simwrite *w)
{
    return w->kind == ACTION_CREATE_POD || w->kind == ACTION_CREATE_SERVICE ||
           w->kind == ACTION_CREATE_POLICY;
}

static enum cache cache_of(const struct simwrite *w)
{
    static const enum cache caches[] = {
        [ACTION_SET_STATUS] = CACHE_JOBS,        [ACTION_CREATE_SERVICE] = CACHE_SERVICES,
        [ACTION_CREATE_POLICY] = CACHE_POLICIES, [ACTION_UPDATE_POLICY] = CACHE_POLICIES,
        [ACTION_CREATE_POD] = CACHE_PODS,        [ACTION_DELETE_POD] = CACHE_PODS,
    };
    return caches[w->kind];
}

static void note_success(const struct state *s, struct oper *o, struct simwrite *w, uint16_t number)
{
    w->is_done = true;
    if (w->kind == ACTION_SET_STATUS || w->kind == ACTION_UPDATE_POLICY)
        view_expect(s, o, EXPECT_VERSION, cache_of(w), w, number);
    else
        view_expect(s, o, is_create(w) ? EXPECT_THERE : EXPECT_LEAVING, cache_of(w), w, number);
    for (uint8_t i = 0; i < o->write_count; i++)
        if (!o->writes[i].is_done)
            return;
    for (uint8_t i = 0; i < o->write_count; i++)
        if (is_create(&o->writes[i]))
            o->refused_kind = o->refused_attempt = o->refused_index = o->refused_count = 0;
    end_pass(o);
}

static void note_refusal(const struct state *s, struct oper *o, const struct simwrite *w)
{
    o->refused_kind = w->kind;
    o->refused_attempt = w->attempt;
    o->refused_index = w->index;
    o->refused_ms = s->ms;
    if (o->refused_count < 8)
        o->refused_count++;
    end_pass(o);
    touch(o);
}

static void note_failure(const struct state *s, struct oper *o, const struct simwrite *w, bool is_unknown)
{
    if (is_unknown)
        view_expect(s, o, EXPECT_LIST, cache_of(w), w, 0);
    end_pass(o);
    touch(o);
}

static void crash(struct oper *o)
{
    *o = (struct oper){0};
}

static void answer(const struct state *s, struct oper *o, struct simwrite *w, enum reply reply,
                   uint16_t number)
{
    if (reply == REPLY_OK)
        note_success(s, o, w, number);
    else if (reply == REPLY_EXISTS)
        note_refusal(s, o, w);
    else
        note_failure(s, o, w, false);
}

static bool has_observed_deletion(const struct oper *o)
{
    return o->job.number != o->base.number || o->job.is_deleting;
}

static const char *write_step(struct state *s, struct oper *o, struct choice c)
{
    struct simwrite *w = &o->writes[c.arg];
    struct simjob base = o->base;
    const char *law = NULL;
    uint16_t number = 0;
    /* is_void() of the shell's pass.c. */
    if (is_create(w) && has_observed_deletion(o)) {
        end_pass(o);
        touch(o);
        return NULL;
    }
    switch ((int)c.kind) {
    case WRITE: {
        enum reply reply = serve(s, w, &base, &number, &law);
        answer(s, o, w, reply, number);
        break;
    }
    case WRITE_THEN_CRASH:
        (void)serve(s, w, &base, &number, &law);
        crash(o);
        break;
    case CRASH_WITH_REQUEST:
        s->orphan = *w;
        s->orphan_base = base;
        s->has_orphan = true;
        crash(o);
        break;
    case WRITE_ANSWER_LOST:
        (void)serve(s, w, &base, &number, &law);
        note_failure(s, o, w, true);
        break;
    case WRITE_REFUSED: note_refusal(s, o, w); break;
    default: note_failure(s, o, w, true); break;
    }
    return law;
}

const char *operator_step(struct state *s, struct choice c)
{
    struct oper *o = &s->ops[c.op];
    switch ((int)c.kind) {
    case START_OPERATOR: o->is_up = true; break;
    case LIST_JOBS:
        list(s, o, CACHE_JOBS);
        o->stage = 1;
        break;
    case LIST_REST:
        for (enum cache cache = CACHE_PODS; cache <= CACHE_NODES; cache++)
            list(s, o, cache);
        o->stage = 2;
        break;
    case RELIST: list(s, o, (enum cache)c.arg); break;
    case SEE_JOB: operator_see_job(o); break;
    case SEE_POD: operator_see_pod(o); break;
    case SEE_SERVICE: see_service(s, o); break;
    case SEE_POLICY: see_policies(s, o); break;
    case SEE_NODE: see_nodes(s, o); break;
    case PASS: return run_pass(s, o, c.op);
    case CRASH: crash(o); break;
    case WATCH_BREAKS: o->relist[c.arg] = true; break;
    case SPURIOUS: touch(o); break;
    default: return write_step(s, o, c);
    }
    return NULL;
}
