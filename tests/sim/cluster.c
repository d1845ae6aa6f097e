/* Everyone but the operator who changes objects: scheduler, kubelets, collectors, people. */
#include <string.h>

#include "sim.h"

#include "base/banned.h"

bool pod_is_over(const struct pod *p)
{
    return p->phase == POD_SUCCEEDED || p->phase == POD_FAILED;
}

static bool is_deleting(const struct pod *p)
{
    return p->flags & POD_DELETING;
}

static bool is_known(uint8_t attempt)
{
    return attempt > 0 && attempt < ATTEMPTS;
}

/* Only of the job as it is now: the books of one that was deleted are closed. */
void hurt(struct state *s, const struct pod *p, enum hurt how)
{
    if (p->job == s->job.number && is_known(p->attempt))
        s->ghost.hurt[p->attempt] |= (uint8_t)how;
}

/* ---- kubelets ---- */

/* Containers that end by a signal from outside hurt nobody: who sent it is in the books. */
static void end_trainer(struct state *s, struct pod *p, enum trainer how)
{
    p->trainer = (uint8_t)how;
    p->finished_s = (uint16_t)(s->ms / 1000);
    p->flags &= (uint8_t)~POD_READY;
    if (how == T_EXIT_1 || how == T_OOM)
        hurt(s, p, HURT_PROGRAM);
}

static void complete(struct state *s, struct pod *p)
{
    bool is_well = p->trainer == T_EXIT_0;
    p->phase = is_well ? POD_SUCCEEDED : POD_FAILED;
    if (is_well)
        p->told = TOLD_SUCCEEDED;
    else if (p->trainer == T_EXIT_1)
        p->told = TOLD_FAILED;
    if (is_well && p->job == s->job.number && is_known(p->attempt))
        s->ghost.succeeded[p->attempt] |= (uint8_t)(1 << p->index);
}

static void kubelet_step(struct state *s, struct pod *p, enum choice_kind kind)
{
    switch ((int)kind) {
    case RUN_CONTAINERS:
        p->phase = POD_RUNNING;
        p->trainer = T_RUNNING;
        break;
    case GET_READY: p->flags |= POD_READY; break;
    case EXIT_0: end_trainer(s, p, T_EXIT_0); break;
    case EXIT_1: end_trainer(s, p, T_EXIT_1); break;
    case OUT_OF_MEMORY: end_trainer(s, p, T_OOM); break;
    case SECURITY_FAILURE:
        end_trainer(s, p, T_TERM);
        p->phase = POD_FAILED;
        p->told = TOLD_SECURITY;
        hurt(s, p, HURT_SECURITY);
        break;
    case COMPLETE: complete(s, p); break;
    case STOP_CONTAINERS:
        if (p->trainer < T_EXIT_0)
            end_trainer(s, p, T_TERM);
        complete(s, p);
        break;
    default: break;
    }
    tell_pod(s, *p);
}

static bool kubelet_answers(const struct state *s, const struct pod *p)
{
    return p->node && s->nodes[p->node - 1].exists && s->nodes[p->node - 1].is_ready;
}

static size_t add(struct choice *ret, size_t n, enum choice_kind kind, size_t arg)
{
    ret[n] = (struct choice){.kind = (uint8_t)kind, .arg = (uint8_t)arg};
    return n + 1;
}

static size_t kubelet_choices(const struct state *s, size_t i, bool is_rough, struct choice *ret, size_t n)
{
    const struct pod *p = &s->pods[i];
    bool runs = p->trainer == T_RUNNING && !pod_is_over(p);
    if (!kubelet_answers(s, p))
        return n;
    if (is_deleting(p) && pod_is_over(p))
        return p->flags & POD_HELD ? n : add(ret, n, REMOVE_STOPPED, i);
    if (is_deleting(p))
        return add(ret, n, STOP_CONTAINERS, i);
    if (pod_is_over(p))
        return n;
    if (p->phase == POD_PENDING)
        n = add(ret, n, RUN_CONTAINERS, i);
    if (runs && !(p->flags & POD_READY))
        n = add(ret, n, GET_READY, i);
    if (runs && p->flags & POD_READY)
        n = add(ret, n, EXIT_0, i);
    if (p->trainer >= T_EXIT_0)
        n = add(ret, n, COMPLETE, i);
    if (runs && is_rough) {
        n = add(ret, n, EXIT_1, i);
        n = add(ret, n, OUT_OF_MEMORY, i);
        n = add(ret, n, SECURITY_FAILURE, i);
    }
    return n;
}

/* ---- scheduler, evictions, people ---- */

static size_t pod_choices(const struct state *s, size_t i, bool is_rough, struct choice *ret, size_t n)
{
    const struct pod *p = &s->pods[i];
    bool is_orphaned = p->job != s->job.number || s->job.is_deleting;
    if (!p->node && !is_deleting(p) && !(p->flags & POD_GATED))
        for (uint8_t node = 0; node < NODES; node++)
            if (s->nodes[node].exists && s->nodes[node].is_ready && (is_rough || i % NODES == node))
                n = add(ret, n, SCHEDULE, i * NODES + node);
    if (is_orphaned && !is_deleting(p))
        n = add(ret, n, COLLECT, i);
    n = kubelet_choices(s, i, is_rough, ret, n);
    if (is_rough && !is_deleting(p) && p->job == s->job.number) {
        if (!pod_is_over(p) && p->node)
            n = add(ret, n, EVICT, i);
        n = add(ret, n, PERSON_DELETES_POD, i);
    }
    if (is_rough && p->job == s->job.number && !(p->flags & POD_HELD))
        n = add(ret, n, PERSON_FORCES_POD, i);
    return n;
}

static size_t node_choices(const struct state *s, bool is_rough, struct choice *ret, size_t n)
{
    for (uint8_t node = 0; node < NODES; node++) {
        const struct simnode *m = &s->nodes[node];
        if (!m->exists || !m->is_ready)
            n = add(ret, n, NODE_BACK, node);
        if (is_rough && m->is_ready)
            n = add(ret, n, NODE_LOST, node);
        if (is_rough && m->exists && !m->is_ready)
            n = add(ret, n, TAINT_EVICTS, node);
        if (is_rough && m->exists)
            n = add(ret, n, NODE_GONE, node);
    }
    return n;
}

/* The job of that policy is gone or going. */
static bool is_over(const struct state *s, uint8_t policy)
{
    return s->job.number != policy + 1 || s->job.is_deleting;
}

static bool is_owned_by_pods(const struct state *s, uint8_t policy)
{
    for (size_t i = 0; i < PODS && s->pods[i].number; i++)
        if (s->pods[i].job == policy + 1 && s->pods[i].attempt <= s->policies[policy].attempt)
            return true;
    return false;
}

static size_t user_choices(const struct state *s, bool is_rough, struct choice *ret, size_t n)
{
    bool is_there = s->job.number != 0;
    for (uint8_t i = 0; i < JOBS; i++)
        if (s->policies[i].number && is_over(s, i) && !is_owned_by_pods(s, i))
            n = add(ret, n, COLLECT, (uint8_t)(PODS + 2 + i));
    if (is_there && s->job.is_deleting && !s->pods[0].number && !s->service.number &&
        !s->policies[s->job.number - 1].number)
        n = add(ret, n, COLLECT, PODS + 1); /* foreground: the job goes after its children */
    if (s->service.number && (s->service.job != s->job.number || s->job.is_deleting))
        n = add(ret, n, COLLECT, PODS);
    if (!is_rough)
        return n;
    if (s->service.number)
        n = add(ret, n, PERSON_DELETES_SERVICE, 0);
    if (is_there && s->policies[s->job.number - 1].number)
        n = add(ret, n, PERSON_DELETES_POLICY, (uint8_t)(s->job.number - 1));
    if (is_there && !s->job.is_deleting) {
        n = add(ret, n, USER_EDITS, 0);
        n = add(ret, n, USER_DELETES_JOB, 0);
        n = add(ret, n, USER_DELETES_FOREGROUND, 0);
    }
    if (is_there && !s->job.is_deleting)
        n = add(ret, n, USER_SUSPENDS_OR_RESUMES, 0);
    if (!s->is_quota_full)
        n = add(ret, n, QUOTA_FILLS, 0);
    if (!is_there && !s->is_deleted_for_good)
        n = add(ret, n, USER_CREATES_AGAIN, 0);
    return n;
}

size_t cluster_choices(const struct state *s, bool with_trouble, struct choice *ret)
{
    bool is_rough = with_trouble && s->ghost.world_faults < scenarios[s->scenario].world_faults;
    size_t n = 0;
    for (size_t i = 0; i < PODS && s->pods[i].number; i++)
        n = pod_choices(s, i, is_rough, ret, n);
    n = node_choices(s, is_rough, ret, n);
    kueue_choices(s, is_rough, &(struct kueue_list){ret, &n});
    n = user_choices(s, is_rough, ret, n);
    if (s->has_orphan)
        n = add(ret, n, ORPHAN_ARRIVES, 0);
    return n;
}

/* The collector marks what has not ended, and removes all. */
static void collect_pod(struct state *s, struct pod *p)
{
    if (!pod_is_over(p)) {
        p->phase = POD_FAILED;
        p->flags &= (uint8_t)~POD_READY;
        p->disruption = D_POD_GC;
        tell_pod(s, *p);
    }
    remove_pod(s, p);
}

/* Backwards, since some are removed on the way. */
static void taint_or_collect(struct state *s, uint8_t node, bool is_gone)
{
    for (size_t i = PODS; i-- > 0;) {
        struct pod *p = &s->pods[i];
        if (!p->number || p->node != node + 1 || (!is_gone && (pod_is_over(p) || is_deleting(p))))
            continue;
        hurt(s, p, HURT_DISRUPTED);
        if (is_gone) {
            collect_pod(s, p);
        } else {
            p->disruption = D_TAINT;
            begin_deletion(s, p, OWN_GRACE);
        }
    }
}

static void node_step(struct state *s, struct choice c)
{
    struct simnode *node = &s->nodes[c.arg];
    if (c.kind == NODE_BACK)
        *node = (struct simnode){true, true};
    else if (c.kind == NODE_LOST)
        node->is_ready = false;
    else if (c.kind == NODE_GONE)
        *node = (struct simnode){0};
    if (c.kind == NODE_GONE || c.kind == TAINT_EVICTS)
        taint_or_collect(s, c.arg, c.kind == NODE_GONE);
}

static void collect(struct state *s, uint8_t what)
{
    if (what == PODS) {
        remove_service(s);
    } else if (what > PODS + 1) {
        remove_policy(s, (size_t)(what - PODS - 2));
    } else if (what > PODS) {
        s->job = (struct simjob){0};
        job_changed(s);
    } else {
        begin_deletion(s, &s->pods[what], OWN_GRACE);
    }
}

static void user_step(struct state *s, enum choice_kind kind)
{
    if (kind == USER_EDITS) {
        s->job.generation++;
    } else if (kind == USER_SUSPENDS_OR_RESUMES) {
        s->job.generation++;
        s->job.is_suspended = !s->job.is_suspended;
    } else if (kind == USER_DELETES_JOB) {
        s->is_deleted_for_good = s->job.number > 1;
        s->job = (struct simjob){0};
    } else if (kind == USER_DELETES_FOREGROUND) {
        s->is_deleted_for_good = s->job.number > 1;
        s->job.is_deleting = true;
    } else {
        uint8_t world = s->ghost.world_faults, operators = s->ghost.operator_faults;
        s->ghost = (struct ghost){
            .was_late = s->ghost.was_late, .world_faults = world, .operator_faults = operators};
        s->job = (struct simjob){.number = 2, .variant = scenarios[s->scenario].variant, .generation = 1};
        s->is_deleted_for_good = true;
    }
    job_changed(s);
}

static void person_step(struct state *s, struct choice c)
{
    struct pod *p = &s->pods[c.arg];
    hurt(s, p, HURT_DISRUPTED);
    if (c.kind == EVICT)
        p->disruption = D_EVICTION;
    if (c.kind == PERSON_FORCES_POD)
        remove_pod(s, p);
    else
        begin_deletion(s, p, OWN_GRACE);
}

static const char *orphan_arrives(struct state *s)
{
    const char *law = NULL;
    uint16_t number = 0;
    s->has_orphan = false;
    s->ghost.was_late = true;
    (void)serve(s, &s->orphan, &s->orphan_base, &number, &law);
    s->orphan = (struct simwrite){0};
    s->orphan_base = (struct simjob){0};
    return law;
}

const char *cluster_step(struct state *s, struct choice c)
{
    switch ((int)c.kind) {
    case SCHEDULE:
        s->pods[c.arg / NODES].node = (uint8_t)(c.arg % NODES + 1);
        tell_pod(s, s->pods[c.arg / NODES]);
        break;
    case REMOVE_STOPPED: remove_pod(s, &s->pods[c.arg]); break;
    case COLLECT: collect(s, c.arg); break;
    case NODE_BACK:
    case NODE_LOST:
    case TAINT_EVICTS:
    case NODE_GONE: node_step(s, c); break;
    case EVICT:
    case PERSON_DELETES_POD:
    case PERSON_FORCES_POD: person_step(s, c); break;
    case PERSON_DELETES_SERVICE: remove_service(s); break;
    case PERSON_DELETES_POLICY:
        remove_policy(s, c.arg);
        s->ghost.lost_policy = true;
        break;
    case KUEUE_LIFTS_GATE:
    case KUEUE_LETS_GO:
    case KUEUE_EVICTS: kueue_step(s, (enum choice_kind)c.kind, &s->pods[c.arg]); break;
    case QUOTA_FILLS:
    case QUOTA_FREES: s->is_quota_full = c.kind == QUOTA_FILLS; break;
    case USER_EDITS:
    case USER_SUSPENDS_OR_RESUMES:
    case USER_DELETES_JOB:
    case USER_DELETES_FOREGROUND:
    case USER_CREATES_AGAIN: user_step(s, (enum choice_kind)c.kind); break;
    case ORPHAN_ARRIVES: return orphan_arrives(s);
    default: kubelet_step(s, &s->pods[c.arg], (enum choice_kind)c.kind); break;
    }
    return NULL;
}
