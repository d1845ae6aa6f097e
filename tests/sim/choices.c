/* What an operator may do next, and what may befall it. */
#include <string.h>

#include "sim.h"

#include "base/banned.h"

struct list {
    struct choice *choices;
    size_t count;
    uint8_t op;
};

static void add(struct list *l, enum choice_kind kind, uint8_t arg)
{
    l->choices[l->count++] = (struct choice){(uint8_t)kind, l->op, arg};
}

static void add_lists(const struct oper *o, struct list *l)
{
    bool are_others_asked = false;
    for (enum cache i = 0; i < CACHE_COUNT; i++) {
        bool is_other = i != CACHE_JOBS && i != CACHE_PODS;
        are_others_asked = are_others_asked || (is_other && o->calls[i] == CALL_LIST);
        if (o->calls[i] == CALL_LIST && !is_other)
            add(l, SERVE_LIST, (uint8_t)i);
        else if (o->calls[i] == CALL_ANSWER)
            add(l, TAKE_LIST, (uint8_t)i);
    }
    if (are_others_asked)
        add(l, TAKE_LIST, OTHER_CACHES);
}

bool has_policy_news(const struct state *s, const struct oper *o)
{
    for (size_t i = 0; i < JOBS; i++)
        if (o->policies_missed[i].number)
            return true;
    return memcmp(o->policies, s->policies, sizeof(o->policies)) != 0;
}

static void add_views(const struct state *s, const struct oper *o, struct list *l)
{
    if (o->jobs_queued && o->calls[CACHE_JOBS] == CALL_WATCH)
        add(l, SEE_JOB, 0);
    if (o->pods_queued && o->calls[CACHE_PODS] == CALL_WATCH)
        add(l, SEE_POD, 0);
    if (o->calls[CACHE_SERVICES] == CALL_WATCH &&
        (o->service_missed.number || memcmp(&o->service, &s->service, sizeof(o->service)) != 0))
        add(l, SEE_SERVICE, 0);
    if (o->calls[CACHE_POLICIES] == CALL_WATCH && has_policy_news(s, o))
        add(l, SEE_POLICY, 0);
    if (o->calls[CACHE_NODES] == CALL_WATCH && memcmp(o->nodes, s->nodes, sizeof(o->nodes)) != 0)
        add(l, SEE_NODE, 0);
    if (o->due == 1 && !o->in_reconcile)
        add(l, PASS, 0);
}

/* Until the status is written, or the question for it answered, nothing goes out but what is the same
 * whatever it says; and no pod before the policy that is about it. */
static bool must_wait(const struct oper *o, const struct simwrite *w)
{
    bool is_fence = w->kind == ACTION_SET_STATUS || w->kind == ACTION_CONFIRM_JOB;
    bool is_same_anyway = w->kind == ACTION_CREATE_SERVICE || w->kind == ACTION_CREATE_POLICY;
    for (uint8_t i = 0; i < o->write_count; i++) {
        const struct simwrite *other = &o->writes[i];
        if (other->is_done || other == w)
            continue;
        if (!is_fence && !is_same_anyway &&
            (other->kind == ACTION_SET_STATUS || other->kind == ACTION_CONFIRM_JOB))
            return true;
        if (w->kind == ACTION_CREATE_POD && other->kind == ACTION_CREATE_POLICY)
            return true;
    }
    return false;
}

static void add_watch_trouble(const struct oper *o, struct list *l)
{
    if (o->calls[CACHE_PODS] == CALL_WATCH)
        add(l, WATCH_BREAKS, CACHE_PODS);
    if (o->calls[CACHE_JOBS] == CALL_WATCH)
        add(l, WATCH_BREAKS, CACHE_JOBS);
    if (o->pods_queued && o->calls[CACHE_PODS] == CALL_WATCH)
        add(l, EVENT_COMES_AGAIN, 0);
    /* Changes of one object come in their order. */
    if (o->pods_queued > 1 && (o->pod_queue[0].attempt != o->pod_queue[1].attempt ||
                               o->pod_queue[0].index != o->pod_queue[1].index))
        add(l, EVENTS_SWAP, 0);
}

static void add_writes(const struct oper *o, bool is_rough, struct list *l)
{
    bool is_first = true;
    for (uint8_t i = 0; i < o->write_count; i++) {
        const struct simwrite *w = &o->writes[i];
        if (w->is_done || must_wait(o, w))
            continue;
        add(l, WRITE, i);
        for (int kind = WRITE_THEN_CRASH; is_rough && is_first && kind <= WRITE_ANSWER_LOST; kind++)
            add(l, (enum choice_kind)kind, i);
        if (is_rough && is_create(w))
            add(l, WRITE_REFUSED, i);
        is_first = false;
    }
}

size_t operator_choices(const struct state *s, uint8_t op, bool with_trouble, struct choice *ret)
{
    const struct oper *o = &s->ops[op];
    struct list l = {.choices = ret, .op = op};
    bool is_rough = with_trouble && s->ghost.operator_faults < scenarios[s->scenario].operator_faults;
    if (!o->is_up) {
        add(&l, START_OPERATOR, 0);
        return l.count;
    }
    add_lists(o, &l);
    add_views(s, o, &l);
    if (o->in_reconcile)
        add_writes(o, is_rough, &l);
    if (is_rough) {
        add(&l, CRASH, 0);
        add_watch_trouble(o, &l);
        if (!o->due)
            add(&l, SPURIOUS, 0);
    }
    return l.count;
}
