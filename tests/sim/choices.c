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

static void add_views(const struct state *s, const struct oper *o, struct list *l)
{
    bool is_relisting = false;
    for (uint8_t cache = 0; cache < CACHE_COUNT; cache++) {
        if (o->relist[cache])
            add(l, RELIST, cache);
        is_relisting = is_relisting || o->relist[cache];
    }
    if (o->pods_queued)
        add(l, SEE_POD, 0);
    if (memcmp(&o->service, &s->service, sizeof(o->service)) != 0)
        add(l, SEE_SERVICE, 0);
    if (memcmp(&o->policies, &s->policies, sizeof(o->policies)) != 0)
        add(l, SEE_POLICY, 0);
    if (memcmp(o->nodes, s->nodes, sizeof(o->nodes)) != 0)
        add(l, SEE_NODE, 0);
    if (o->due == 1 && !o->in_pass && !is_relisting)
        add(l, PASS, 0);
}

/* No pod before the policy that is about it. */
static bool must_wait(const struct oper *o, const struct simwrite *w)
{
    for (uint8_t i = 0; i < o->write_count && w->kind == ACTION_CREATE_POD; i++)
        if (o->writes[i].kind == ACTION_CREATE_POLICY && !o->writes[i].is_done)
            return true;
    return false;
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
        /* The status goes first and alone; of the others, any may arrive first. */
        if (w->kind == ACTION_SET_STATUS)
            return;
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
    if (o->stage < 2)
        add(&l, o->stage == 0 ? LIST_JOBS : LIST_REST, 0);
    if (o->jobs_queued)
        add(&l, SEE_JOB, 0);
    if (o->stage == 2)
        add_views(s, o, &l);
    if (o->in_pass)
        add_writes(o, is_rough, &l);
    if (is_rough)
        add(&l, CRASH, 0);
    if (is_rough && o->stage == 2) {
        add(&l, WATCH_BREAKS, CACHE_PODS);
        add(&l, WATCH_BREAKS, CACHE_JOBS);
        if (!o->due)
            add(&l, SPURIOUS, 0);
    }
    return l.count;
}
