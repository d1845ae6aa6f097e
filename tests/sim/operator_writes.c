/* What becomes of an operator's writes, and what it makes of the answers. */
#include "operator.h"
#include "rig.h"

#include "base/banned.h"

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
    operator_complete_pass(o);
}

static void note_refusal(const struct state *s, struct oper *o, const struct simwrite *w)
{
    if (w->attempt && o->refused_attempt && w->attempt != o->refused_attempt)
        o->refused_count = 0;
    o->refused_kind = w->kind;
    o->refused_attempt = w->attempt;
    o->refused_index = w->index;
    o->refused_ms = s->ms;
    o->is_refusal_told = false;
    if (o->refused_count < 8)
        o->refused_count++;
    operator_end_reconcile(o);
    operator_enqueue(o);
}

static void note_failure(const struct state *s, struct oper *o, const struct simwrite *w, bool is_unknown)
{
    /* A read changes nothing, so nothing is unknown. */
    is_unknown = is_unknown && w->kind != ACTION_CONFIRM_JOB;
    if (is_unknown)
        o->unknown_ms[cache_of(w)] = s->ms;
    if (is_unknown)
        view_expect(s, o, EXPECT_LIST, cache_of(w), w, 0);
    operator_end_reconcile(o);
    operator_enqueue(o);
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

const char *operator_write_step(struct state *s, struct oper *o, struct choice c)
{
    struct simwrite *w = &o->writes[c.arg];
    struct simjob base = o->base;
    const char *law = NULL;
    uint16_t number = 0;
    /* is_void() of the shell's reconcile.c. */
    if (is_create(w) && has_observed_deletion(o)) {
        operator_end_reconcile(o);
        operator_enqueue(o);
        return NULL;
    }
    law = law_of_own_writes(s, o, w);
    if (law != NULL)
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
        operator_crash(o);
        break;
    case CRASH_WITH_REQUEST:
        s->orphan = *w;
        s->orphan_base = base;
        s->has_orphan = true;
        operator_crash(o);
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
