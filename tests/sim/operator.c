/*
 * An operator: its real caches, fed by lists and watches that lag, and the rules of
 * operator/shell around the real plan() and the real expectations. A crash forgets
 * everything.
 */
#include <stdlib.h>
#include <string.h>

#include "api/names.h"
#include "base/arena.h"
#include "core/model/gang.h"
#include "operator.h"
#include "rig.h"

#include "base/banned.h"

void operator_enqueue(struct oper *o)
{
    o->due = 1;
}

void operator_crash(struct oper *o)
{
    *o = (struct oper){0};
}

/* ---- a reconcile ---- */

/* As the shell's queue_item_reset(). */
static void forget_item(struct oper *o, uint8_t job)
{
    o->item_job = job;
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
        o->status_ms = 0; /* the queue item itself is gone */
}

void operator_end_reconcile(struct oper *o)
{
    o->in_reconcile = false;
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
    if (o->item_job != p->job && !o->in_reconcile)
        forget_item(o, p->job);
    if (o->departed_count == DEPARTED)
        abort();
    if (o->item_job == p->job)
        o->departed[o->departed_count++] = *p;
}

/* All is done, or there was nothing to do: what the plan knew of is decided. */
void operator_complete_pass(struct oper *o)
{
    uint8_t left = (uint8_t)(o->departed_count - o->departed_planned);
    memmove(o->departed, o->departed + o->departed_planned, left * sizeof(o->departed[0]));
    memset(o->departed + left, 0, (size_t)(DEPARTED - left) * sizeof(o->departed[0]));
    o->departed_count = left;
    operator_end_reconcile(o);
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
    for (uint8_t attempt = 1; attempt < ATTEMPTS && *group != '\0'; attempt++) {
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

static const char *make_plan(struct oper *o, const struct world *w, struct arena *a)
{
    struct plan plan = plan_job(w, a);
    const char *law = law_of_plan(w, &plan);
    o->wake_ms = 0;
    o->base = o->job;
    for (size_t i = 0; i < plan.count && law == NULL; i++) {
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
    o->in_reconcile = o->write_count > 0;
    if (!o->in_reconcile)
        operator_complete_pass(o);
    return law;
}

/* As the shell's reconcile.c: pods that the status counts and the cache lacks, without having been seen to
 * lose them, are looked for in a list. */
static bool must_list_pods(const struct state *s, struct oper *o, const struct world *w, struct arena *a)
{
    const struct job_status *now = &w->job->status;
    struct gang gang;
    gang_init(&gang, w, now->attempt, a);
    if (gang_missing(&gang, now) <= 0 || status_is_finished(now) || o->listed_for == o->job.version)
        return false;
    o->listed_for = o->job.version;
    view_expect(s, o, EXPECT_LIST, CACHE_PODS, &(struct simwrite){0}, 0);
    o->departed_planned = 0;
    operator_enqueue(o);
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
            return "a reconcile begins during a list: the view is of mixed age";
    if (caches_job(c, NAMESPACE, JOB_NAME) == NULL) {
        forget_item(o, 0);
        o->wake_ms = 0;
        return NULL;
    }
    if (o->item_job != o->job.number)
        forget_item(o, o->job.number);
    if (!view_is_current(o, c)) {
        o->due = 2;
        return NULL;
    }
    for (enum cache i = 0; i < CACHE_COUNT; i++)
        if (o->unknown_ms[i] && o->fresh_ms[i] <= o->unknown_ms[i])
            return "it plans, and does not know what became of a write";
    o->departed_planned = o->departed_count;
    view_world(s, o, c, a, &w);
    return must_list_pods(s, o, &w, a) ? NULL : make_plan(o, &w, a);
}

const char *operator_pass(const struct state *s, struct oper *o)
{
    const char *law = run_pass(s, o, rig_up(s, o, CACHE_COUNT));
    rig_down();
    return law;
}

/* ---- steps ---- */

const char *operator_step(struct state *s, struct choice c)
{
    struct oper *o = &s->ops[c.op];
    switch ((int)c.kind) {
    case START_OPERATOR:
    case SERVE_LIST:
    case TAKE_LIST:
    case SEE_JOB:
    case SEE_POD:
    case SEE_SERVICE:
    case SEE_POLICY:
    case SEE_NODE:
    case WATCH_BREAKS:
    case EVENT_COMES_AGAIN:
    case EVENTS_SWAP: operator_watch_step(s, o, c); return NULL;
    case PASS: return operator_pass(s, o);
    case CRASH: operator_crash(o); return NULL;
    case SPURIOUS: operator_enqueue(o); return NULL;
    default: return operator_write_step(s, o, c);
    }
}
