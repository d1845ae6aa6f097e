/*
 * An operator: its real caches, fed by lists and watches that lag, and the rules of
 * operator/shell around the real plan() and the real expectations. A crash forgets
 * everything.
 */
#include <stdlib.h>
#include <string.h>

#include "api/names.h"
#include "base/arena.h"
#include "rig.h"

#include "base/banned.h"

enum { OBJECT_MAX = 4096 };

/* ---- what the watches bring ---- */

static void touch(struct oper *o)
{
    o->due = 1;
}

/* Of two pods of one name, the one that was shown later counts. */
static void note_lost(struct oper *o)
{
    for (size_t i = 0; i < PODS && o->pods[i].number; i++) {
        const struct pod *p = &o->pods[i];
        uint8_t bit = (uint8_t)(1 << p->index);
        if (p->job != o->job.number || p->attempt >= ATTEMPTS)
            continue;
        if (p->disruption == D_POD_GC)
            o->seen_lost[p->attempt] |= bit;
        else
            o->seen_lost[p->attempt] &= (uint8_t)~bit;
    }
}

void operator_take_list(const struct state *s, struct oper *o, enum cache cache)
{
    (void)rig_up(s, o, CACHE_COUNT);
    for (enum cache i = 0; i < CACHE_COUNT; i++)
        if (cache == OTHER_CACHES ? i != CACHE_JOBS && i != CACHE_PODS && o->calls[i] == CALL_LIST
                                  : i == cache)
            rig_list(i);
    rig_down();
    o->taken_ms[cache] = s->ms;
    for (enum cache i = 0; cache == OTHER_CACHES && i < CACHE_COUNT; i++)
        if (i != CACHE_JOBS && i != CACHE_PODS)
            o->taken_ms[i] = s->ms;
    if (cache == OTHER_CACHES) {
        o->service_missed = (struct service){0};
        memset(o->policies_missed, 0, sizeof(o->policies_missed));
    }
    if (cache == CACHE_JOBS)
        o->job_answer = (struct simjob){0};
    else if (cache == CACHE_PODS)
        memset(o->pods_answer, 0, sizeof(o->pods_answer));
    note_lost(o);
}

/* What the server finds is fixed when it answers; how old it is when it comes, nobody knows. */
static void serve_list(const struct state *s, struct oper *o, enum cache cache)
{
    o->calls[cache] = CALL_ANSWER;
    if (cache == CACHE_JOBS)
        o->job_answer = s->job;
    else
        memcpy(o->pods_answer, s->pods, sizeof(o->pods_answer));
}

static void take_event(const struct state *s, struct oper *o, enum cache cache, bool is_gone,
                       struct strbuf *object)
{
    (void)rig_up(s, o, cache);
    rig_event(cache, is_gone ? "DELETED" : "MODIFIED", strbuf_text(object));
    rig_down();
    strbuf_fini(object);
}

void operator_see_job(const struct state *s, struct oper *o)
{
    if (o->calls[CACHE_JOBS] == CALL_ANSWER)
        operator_take_list(s, o, CACHE_JOBS);
    struct strbuf text = STRBUF(OBJECT_MAX);
    struct simjob event = o->job_queue[0];
    o->jobs_queued--;
    memmove(o->job_queue, o->job_queue + 1, o->jobs_queued * sizeof(o->job_queue[0]));
    memset(&o->job_queue[o->jobs_queued], 0, sizeof(o->job_queue[0]));
    wire_job(&text, &event);
    take_event(s, o, CACHE_JOBS, event.number == 0, &text);
}

static void see_pod(const struct state *s, struct oper *o, bool stays)
{
    struct strbuf text = STRBUF(OBJECT_MAX);
    struct pod event = o->pod_queue[0];
    if (!stays) {
        o->pods_queued--;
        memmove(o->pod_queue, o->pod_queue + 1, o->pods_queued * sizeof(event));
        memset(&o->pod_queue[o->pods_queued], 0, sizeof(event));
    }
    wire_pod(&text, &event);
    take_event(s, o, CACHE_PODS, event.flags & POD_GONE, &text);
    note_lost(o);
}

void operator_see_pod(const struct state *s, struct oper *o)
{
    if (o->calls[CACHE_PODS] == CALL_ANSWER)
        operator_take_list(s, o, CACHE_PODS);
    see_pod(s, o, false);
}

/* One event: what came and went meanwhile has two, and what was there goes before what is there now comes. */
static void see_service(const struct state *s, struct oper *o)
{
    struct strbuf text = STRBUF(OBJECT_MAX);
    bool is_gone = o->service.number != 0;
    bool is_missed = !is_gone && o->service_missed.number != 0;
    wire_service(&text, is_gone ? &o->service : is_missed ? &o->service_missed : &s->service);
    if (is_missed)
        o->service_missed = (struct service){0};
    take_event(s, o, CACHE_SERVICES, is_gone, &text);
}

/* As for the Service. */
static void see_policy(const struct state *s, struct oper *o)
{
    struct strbuf text = STRBUF(OBJECT_MAX);
    size_t i = 0;
    while (!o->policies_missed[i].number &&
           memcmp(&o->policies[i], &s->policies[i], sizeof(s->policies[i])) == 0)
        i++;
    bool is_gone = o->policies[i].number != 0 && o->policies[i].number != s->policies[i].number;
    bool is_missed = !is_gone && o->policies_missed[i].number != 0;
    wire_policy(&text, is_gone ? &o->policies[i] : is_missed ? &o->policies_missed[i] : &s->policies[i], i);
    if (is_missed)
        o->policies_missed[i] = (struct policy){0};
    take_event(s, o, CACHE_POLICIES, is_gone, &text);
}

static void see_node(const struct state *s, struct oper *o)
{
    struct strbuf text = STRBUF(OBJECT_MAX);
    size_t i = 0;
    while (memcmp(&o->nodes[i], &s->nodes[i], sizeof(o->nodes[i])) == 0)
        i++;
    wire_node(&text, &s->nodes[i], i);
    take_event(s, o, CACHE_NODES, !s->nodes[i].exists, &text);
}

static void swap_events(struct oper *o)
{
    struct pod first = o->pod_queue[0];
    o->pod_queue[0] = o->pod_queue[1];
    o->pod_queue[1] = first;
}

static void break_watch(const struct state *s, struct oper *o, enum cache cache)
{
    (void)rig_up(s, o, CACHE_COUNT);
    rig_forget_queue(o, cache);
    rig_end_watch(cache, true);
    rig_down();
}

static void start(const struct state *s, struct oper *o)
{
    o->is_up = true;
    (void)rig_up(s, o, CACHE_COUNT);
    rig_down();
}

/* ---- a pass ---- */

/* As the shell's task_forget(). */
static void forget_task(struct oper *o, uint8_t job)
{
    o->task_job = job;
    o->listed_for = 0;
    memset(o->expects, 0, sizeof(o->expects));
    o->expect_count = 0;
    memset(o->departed, 0, sizeof(o->departed));
    o->departed_count = o->departed_planned = 0;
    memset(o->seen_lost, 0, sizeof(o->seen_lost));
    o->refused_kind = o->refused_attempt = o->refused_index = o->refused_count = 0;
    o->refused_ms = 0;
    memset(o->unknown_ms, 0, sizeof(o->unknown_ms));
    if (!job)
        o->status_ms = 0; /* the task itself has gone */
}

static void end_pass(struct oper *o)
{
    o->in_pass = false;
    memset(o->writes, 0, sizeof(o->writes));
    o->write_count = 0;
    o->base = (struct simjob){0};
    o->departed_planned = 0;
}

/* As the shell's controller.c. */
void operator_note_departed(struct oper *o, const struct pod *p)
{
    if (o->job.number != p->job || p->attempt < status_of(o->job.status)->attempt)
        return;
    if (o->task_job != p->job && !o->in_pass)
        forget_task(o, p->job);
    if (o->departed_count == DEPARTED)
        abort();
    if (o->task_job == p->job)
        o->departed[o->departed_count++] = *p;
}

/* All is done, or there was nothing to do: what the plan knew of is decided. */
static void complete_pass(struct oper *o)
{
    uint8_t left = (uint8_t)(o->departed_count - o->departed_planned);
    memmove(o->departed, o->departed + o->departed_planned, left * sizeof(o->departed[0]));
    memset(o->departed + left, 0, (size_t)(DEPARTED - left) * sizeof(o->departed[0]));
    o->departed_count = left;
    end_pass(o);
}

static const struct pod *viewed(const struct oper *o, const char *uid)
{
    for (size_t i = 0; i < PODS && o->pods[i].number; i++)
        if (strtoul(uid + strlen("uid-"), NULL, 10) == o->pods[i].number)
            return &o->pods[i];
    return NULL;
}

/* The attempt that began it, which is the last part of its name. */
static uint8_t group_number(const struct oper *o, const char *group)
{
    char name[NAME_SIZE], uid[16];
    (void)snprintf(uid, sizeof(uid), "job-%d", o->job.number);
    for (uint8_t attempt = 1; attempt < ATTEMPTS && *group; attempt++) {
        name_group(JOB_NAME, uid, attempt, name);
        if (strcmp(name, group) == 0)
            return attempt;
    }
    return 0;
}

static void keep_write(struct oper *o, const struct action *a)
{
    struct simwrite w = {
        .kind = (uint8_t)a->kind, .attempt = (uint8_t)a->attempt, .index = (uint8_t)a->index};
    if (a->kind == ACTION_SET_STATUS)
        w.status = status_number(a->status);
    if (a->kind == ACTION_DELETE_SERVICE)
        w.number = o->service.number;
    if (a->kind == ACTION_DELETE_POLICY)
        w.number = o->policies[o->job.number - 1].number;
    if (a->kind == ACTION_CREATE_POD)
        w.group = group_number(o, a->group);
    if (a->kind == ACTION_DELETE_POD || a->kind == ACTION_END_GROUP) {
        const struct pod *p = viewed(o, a->uid);
        w.attempt = p->attempt;
        w.index = p->index;
        w.number = p->number;
        w.grace = a->grace_seconds < 0 ? OWN_GRACE : (uint8_t)a->grace_seconds;
    }
    if (a->kind == ACTION_UPDATE_POLICY)
        w.version = (uint16_t)strtoul(a->version, NULL, 10);
    o->writes[o->write_count++] = w;
}

/* As the shell's pass.c: what only tells how far things are is written once a second. */
static bool is_put_off(struct oper *o, const struct plan *plan, uint32_t now_ms)
{
    uint32_t at_ms = o->status_ms + STATUS_PAUSE_MS;
    if (plan->count == 0 || !plan->actions[0].can_wait || o->status_ms == 0 || at_ms <= now_ms)
        return false;
    o->wake_ms = at_ms;
    return true;
}

static const char *make_plan(struct oper *o, const struct world *w, uint32_t now_ms, struct arena *a)
{
    struct plan plan = plan_job(w, a);
    const char *law = law_of_plan(w, &plan);
    o->wake_ms = 0;
    if (!law && is_put_off(o, &plan, now_ms)) {
        complete_pass(o);
        return NULL;
    }
    o->base = o->job;
    for (size_t i = 0; i < plan.count && !law; i++) {
        const struct action *act = &plan.actions[i];
        if (act->kind == ACTION_SET_STATUS)
            law = law_of_known_causes(o, act->status);
        if (act->kind == ACTION_WAKE_AT)
            o->wake_ms = (uint32_t)((act->at_us - SIM_EPOCH_US) / 1000) + 1;
        else if (act->kind != ACTION_EVENT && act->kind != ACTION_ASK_AUTOSCALER && o->write_count == WRITES)
            law = "a plan of this small job has more writes than pods";
        else if (act->kind != ACTION_EVENT && act->kind != ACTION_ASK_AUTOSCALER)
            keep_write(o, act);
    }
    o->in_pass = o->write_count > 0;
    if (!o->in_pass)
        complete_pass(o);
    return law;
}

/* As the shell's pass.c: pods that the status counts and the cache lacks, without having been seen to lose
 * them, are looked for in a list. */
static bool must_list_pods(const struct state *s, struct oper *o, const struct world *w)
{
    const struct job_status *now = &w->job->status;
    int missing = now->workers.active + now->workers.succeeded + now->workers.failed;
    for (size_t i = 0; i < w->pod_count; i++)
        missing -= w->pods[i]->attempt == now->attempt;
    for (size_t i = 0; i < w->departed_count; i++)
        missing -= w->departed[i]->attempt == now->attempt;
    if (missing <= 0 || status_is_finished(now) || o->listed_for == o->job.version)
        return false;
    o->listed_for = o->job.version;
    view_expect(s, o, EXPECT_LIST, CACHE_PODS, &(struct simwrite){0}, 0);
    o->departed_planned = 0;
    touch(o);
    return true;
}

/* As the shell's controller.c: the end of a list that is coming touches every job. */
static const char *run_pass(const struct state *s, struct oper *o, const struct caches *c)
{
    struct world w;
    struct arena *a CLEANUP(cleanup_arena) = arena_new();
    o->due = 0;
    if (!caches_are_current(c))
        return NULL;
    for (enum cache i = 0; i < CACHE_COUNT; i++)
        if (o->calls[i] != CALL_WATCH)
            return "a pass begins while a list is coming: the view is of mixed age";
    if (!caches_job(c, NAMESPACE, JOB_NAME)) {
        forget_task(o, 0);
        o->wake_ms = 0;
        return NULL;
    }
    if (o->task_job != o->job.number)
        forget_task(o, o->job.number);
    if (!view_is_current(o, c)) {
        o->due = 2;
        return NULL;
    }
    for (enum cache i = 0; i < CACHE_COUNT; i++)
        if (o->unknown_ms[i] && o->fresh_ms[i] <= o->unknown_ms[i])
            return "it plans, and does not know what became of a write";
    o->departed_planned = o->departed_count;
    view_world(s, o, c, a, &w);
    return must_list_pods(s, o, &w) ? NULL : make_plan(o, &w, s->ms, a);
}

static const char *pass(const struct state *s, struct oper *o)
{
    const char *law = run_pass(s, o, rig_up(s, o, CACHE_COUNT));
    rig_down();
    return law;
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
        [ACTION_SET_STATUS] = CACHE_JOBS,         [ACTION_CONFIRM_JOB] = CACHE_JOBS,
        [ACTION_CREATE_SERVICE] = CACHE_SERVICES, [ACTION_CREATE_POLICY] = CACHE_POLICIES,
        [ACTION_UPDATE_POLICY] = CACHE_POLICIES,  [ACTION_CREATE_POD] = CACHE_PODS,
        [ACTION_DELETE_POD] = CACHE_PODS,         [ACTION_END_GROUP] = CACHE_PODS,
        [ACTION_DELETE_POLICY] = CACHE_POLICIES,  [ACTION_DELETE_SERVICE] = CACHE_SERVICES,
    };
    return caches[w->kind];
}

static void note_success(const struct state *s, struct oper *o, struct simwrite *w, uint16_t number)
{
    w->is_done = true;
    if (w->kind == ACTION_SET_STATUS || w->kind == ACTION_CONFIRM_JOB)
        o->last_version = number;
    else if (w->kind != ACTION_UPDATE_POLICY && w->kind != ACTION_END_GROUP)
        (is_create(w) ? o->made : o->stopped)[number / 8] |= (uint8_t)(1 << number % 8);
    if (w->kind == ACTION_SET_STATUS)
        o->status_ms = s->ms;
    if (w->kind == ACTION_SET_STATUS)
        o->is_refusal_told = o->refused_count > 0;
    if (w->kind == ACTION_SET_STATUS || w->kind == ACTION_UPDATE_POLICY) {
        view_expect(s, o, EXPECT_VERSION, cache_of(w), w, number);
    } else if (w->kind != ACTION_CONFIRM_JOB && w->kind != ACTION_END_GROUP) {
        bool is_forced = w->kind == ACTION_DELETE_POD && w->grace == 0;
        view_expect(s, o,
                    is_create(w) ? EXPECT_THERE
                    : is_forced  ? EXPECT_FORCED
                                 : EXPECT_LEAVING,
                    cache_of(w), w, number);
    }
    for (uint8_t i = 0; i < o->write_count; i++)
        if (!o->writes[i].is_done)
            return;
    for (uint8_t i = 0; i < o->write_count; i++)
        if (is_create(&o->writes[i]))
            o->refused_kind = o->refused_attempt = o->refused_index = o->refused_count = 0;
    complete_pass(o);
}

static void note_refusal(const struct state *s, struct oper *o, const struct simwrite *w)
{
    o->refused_kind = w->kind;
    o->refused_attempt = w->attempt;
    o->refused_index = w->index;
    o->refused_ms = s->ms;
    o->is_refusal_told = false;
    if (o->refused_count < 8)
        o->refused_count++;
    end_pass(o);
    touch(o);
}

static void note_failure(const struct state *s, struct oper *o, const struct simwrite *w, bool is_unknown)
{
    /* A read changes nothing, so nothing is unknown. */
    is_unknown = is_unknown && w->kind != ACTION_CONFIRM_JOB;
    if (is_unknown)
        o->unknown_ms[cache_of(w)] = s->ms;
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
    else if (reply == REPLY_EXISTS || reply == REPLY_REFUSED)
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
    law = law_of_own_writes(s, o, w);
    if (law)
        return law;
    /* Between the status and what follows it, another may have written: nothing in the API fences that. */
    if (w->kind != ACTION_SET_STATUS && w->kind != ACTION_CONFIRM_JOB && s->ops_used > 1 &&
        o->last_version != s->job.version)
        s->ghost.was_late = true;
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
    case START_OPERATOR: start(s, o); break;
    case SERVE_LIST: serve_list(s, o, (enum cache)c.arg); break;
    case TAKE_LIST: operator_take_list(s, o, (enum cache)c.arg); break;
    case SEE_JOB: operator_see_job(s, o); break;
    case SEE_POD: operator_see_pod(s, o); break;
    case SEE_SERVICE: see_service(s, o); break;
    case SEE_POLICY: see_policy(s, o); break;
    case SEE_NODE: see_node(s, o); break;
    case PASS: return pass(s, o);
    case CRASH: crash(o); break;
    case WATCH_BREAKS: break_watch(s, o, (enum cache)c.arg); break;
    case EVENT_COMES_AGAIN: see_pod(s, o, true); break;
    case EVENTS_SWAP: swap_events(o); break;
    case SPURIOUS: touch(o); break;
    default: return write_step(s, o, c);
    }
    return NULL;
}
