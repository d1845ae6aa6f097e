/*
 * Kueue's part in a plain pod group, to the letter of its documentation: gates are lifted
 * when all pods of the group are there, an eviction deletes them all, and a pod that has
 * ended stays, held by a finalizer, until its replacement exists or the group is over.
 */
#include <string.h>

#include "sim.h"

#include "base/banned.h"

static bool is_member(const struct pod *p, const struct pod *of)
{
    return p->number && p->group == of->group && p->job == of->job;
}

/* Whoever has not failed counts; also who has succeeded. */
static bool is_counted(const struct pod *p)
{
    return p->phase != POD_FAILED && (p->node || !(p->flags & POD_DELETING));
}

int kueue_counted(const struct state *s, const struct pod *of)
{
    int n = 0;
    for (size_t i = 0; i < PODS; i++)
        n += is_member(&s->pods[i], of) && is_counted(&s->pods[i]);
    return n;
}

static bool is_replaced(const struct state *s, const struct pod *p)
{
    for (size_t i = 0; i < PODS; i++)
        if (is_member(&s->pods[i], p) && s->pods[i].index == p->index && s->pods[i].attempt > p->attempt)
            return true;
    return false;
}

static bool is_group_over(const struct state *s, const struct pod *p)
{
    int succeeded = 0;
    bool is_given_up = false, is_active = false;
    for (size_t i = 0; i < PODS; i++) {
        const struct pod *q = &s->pods[i];
        if (!is_member(q, p))
            continue;
        succeeded += q->phase == POD_SUCCEEDED;
        is_given_up = is_given_up || q->flags & POD_GROUP_OVER;
        is_active = is_active || (is_counted(q) && !pod_is_over(q));
    }
    return succeeded == REPLICAS || (is_given_up && !is_active);
}

static bool lets_go(const struct state *s, const struct pod *p)
{
    bool is_orphaned = p->job != s->job.number || s->job.is_deleting;
    return is_orphaned || is_group_over(s, p) || (!is_counted(p) && is_replaced(s, p));
}

static void add(const struct kueue_list *l, enum choice_kind kind, size_t arg)
{
    l->choices[(*l->count)++] = (struct choice){.kind = (uint8_t)kind, .arg = (uint8_t)arg};
}

void kueue_choices(const struct state *s, bool is_rough, const struct kueue_list *l)
{
    for (size_t i = 0; i < PODS && s->pods[i].number; i++) {
        const struct pod *p = &s->pods[i];
        bool is_deleting = p->flags & POD_DELETING;
        if (!p->group)
            continue;
        if (p->flags & POD_GATED && !is_deleting && kueue_counted(s, p) >= REPLICAS)
            add(l, KUEUE_LIFTS_GATE, i);
        if (p->flags & POD_HELD && lets_go(s, p))
            add(l, KUEUE_LETS_GO, i);
        if (is_rough && !(p->flags & POD_GATED) && !is_deleting && !pod_is_over(p) && p->job == s->job.number)
            add(l, KUEUE_EVICTS, i);
    }
}

static void evict(struct state *s, const struct pod *of)
{
    /* Backwards, since some may go on the way. */
    struct pod member = *of;
    for (size_t i = PODS; i-- > 0;) {
        struct pod *p = &s->pods[i];
        if (!is_member(p, &member) || pod_is_over(p) || p->flags & POD_DELETING)
            continue;
        hurt(s, p, HURT_DISRUPTED);
        p->disruption = D_KUEUE;
        begin_deletion(s, p, OWN_GRACE);
    }
}

static void let_go(struct state *s, struct pod *p)
{
    p->flags &= (uint8_t)~POD_HELD;
    /* The finalizer was all that kept it. */
    if (p->flags & POD_DELETING && (p->flags & POD_FORCED || pod_is_over(p) || !p->node))
        remove_pod(s, p);
    else
        tell_pod(s, *p);
}

/* When the group is over, all of it at once. */
static void let_all_go(struct state *s, const struct pod *of)
{
    struct pod member = *of;
    for (size_t i = PODS; i-- > 0;)
        if (is_member(&s->pods[i], &member) && s->pods[i].flags & POD_HELD)
            let_go(s, &s->pods[i]);
}

void kueue_step(struct state *s, enum choice_kind kind, struct pod *p)
{
    if (kind == KUEUE_EVICTS) {
        evict(s, p);
    } else if (kind == KUEUE_LIFTS_GATE) {
        p->flags &= (uint8_t)~POD_GATED;
        tell_pod(s, *p);
    } else if (is_group_over(s, p)) {
        let_all_go(s, p);
    } else {
        let_go(s, p);
    }
}
