/* What must hold, whatever happens. A law that is broken is named by a sentence. */
#include <string.h>

#include "sim.h"

#include "base/banned.h"

enum { MAX_RESTARTS = 2, MAX_DISRUPTIONS = 2, ALL_WORKERS = (1 << REPLICAS) - 1 };

/* ---- counters ---- */

static const char *law_of_charge(struct ghost *g, const struct job_status *old, const struct job_status *new)
{
    int restarts = new->restarts - old->restarts, disruptions = new->disruptions - old->disruptions;
    uint8_t hurt = g->hurt[old->attempt];
    if (restarts < 0 || disruptions < 0)
        return "a counter goes back";
    if (restarts + disruptions == 0)
        return NULL;
    if (restarts + disruptions > 1)
        return "one write counts more than one failure";
    if (g->charged[old->attempt]++)
        return "the failure of one attempt is counted twice";
    if (restarts && !(hurt & HURT_PROGRAM))
        return "a restart is counted, but no program has failed in this attempt";
    if (disruptions && !(hurt & HURT_DISRUPTED))
        return "a disruption is counted, but none happened to this attempt";
    return NULL;
}

static const char *law_of_attempt(const struct ghost *g, const struct job_status *old,
                                  const struct job_status *new)
{
    if (new->attempt == old->attempt)
        return NULL;
    if (new->attempt != old->attempt + 1)
        return "the attempt number does not go up by one";
    if (old->attempt > 0 && g->charged[old->attempt] != 1)
        return "a new attempt begins, but the old one's failure is not counted";
    if (new->restarts + new->disruptions != old->attempt)
        return "attempts, restarts and disruptions do not add up";
    return NULL;
}

/* ---- ends ---- */

static const char *law_of_failed(const struct ghost *g, const struct job_status *new)
{
    uint8_t hurt = g->hurt[new->attempt];
    if (strcmp(new->reason, "RestartLimitExceeded") == 0)
        return new->restarts == MAX_RESTARTS &&hurt &HURT_PROGRAM ? NULL : "the restart limit is not reached";
    if (strcmp(new->reason, "DisruptionLimitExceeded") == 0)
        return new->disruptions == MAX_DISRUPTIONS &&hurt &HURT_DISRUPTED
                   ? NULL
                   : "the disruption limit is not reached";
    return hurt & HURT_SECURITY ? NULL : "the job has failed without a cause";
}

static const char *law_of_end(const struct ghost *g, const struct job_status *old,
                              const struct job_status *new)
{
    char output[64];
    (void)snprintf(output, sizeof(output), "gs://bucket/models/%d/", (int)new->attempt);
    if (status_is_finished(old))
        return "a job that has ended gets a new status";
    if (new->phase == PHASE_FAILED)
        return *new->output.uri ? "a failed job has an output" : law_of_failed(g, new);
    if (new->phase != PHASE_SUCCEEDED)
        return *new->output.uri ? "an output before the end" : NULL;
    if (g->succeeded[new->attempt] != ALL_WORKERS)
        return "success, but not all workers of the attempt succeeded";
    if (strcmp(new->output.uri, output) != 0)
        return "the output is not this attempt's";
    return NULL;
}

static const char *law_of_counts(const struct job_status *new)
{
    const struct status_workers *n = &new->workers;
    if (n->active + n->succeeded + n->failed > REPLICAS || n->ready > n->active)
        return "more workers are counted than there are";
    if (new->failure_count > 0 && new->failures[new->failure_count - 1].attempt > new->attempt)
        return "a failure of an attempt to come";
    return NULL;
}

const char *law_of_status(struct state *s, const struct job_status *old, const struct job_status *new)
{
    struct ghost *g = &s->ghost;
    const struct status_workers *n = &new->workers;
    if (new->attempt < 0 || new->attempt >= ATTEMPTS)
        return "the attempt number is out of hand";
    const char *law = law_of_attempt(g, old, new);
    law = law ? law : law_of_charge(g, old, new);
    law = law ? law : law_of_end(g, old, new);
    law = law ? law : law_of_counts(new);
    if (n->active + n->succeeded + n->failed == REPLICAS)
        g->is_whole[new->attempt] = true;
    return law;
}

/* ---- pods ---- */

const char *law_of_create(struct state *s, const struct simwrite *w, const struct simjob *base)
{
    /* Of a job that is gone: the garbage collector's, by the dead owner's uid. */
    if (s->job.number != base->number || w->attempt >= ATTEMPTS)
        return NULL;
    const struct job_status *now = status_of(s->job.status);
    if (!s->policies[base->number - 1].number && !s->ghost.lost_policy && !s->job.is_deleting)
        return "a pod before the policy that is about it";
    bool is_late = s->ghost.was_late || s->ops_used > 1;
    if (w->attempt > now->attempt)
        return "a pod of an attempt that the status does not name yet";
    /* Nothing in the API fences a create that is late, or a second operator's: the agents do. */
    if (is_late)
        return NULL;
    if (w->attempt < now->attempt)
        return "a pod of an attempt that is over";
    if (status_is_finished(now))
        return "a pod for a job that has ended";
    if (s->ghost.is_whole[w->attempt])
        return "a second pod of an index and attempt";
    for (size_t i = 0; i < PODS && s->pods[i].number; i++) {
        const struct pod *p = &s->pods[i];
        if (p->job == base->number && p->attempt < w->attempt && !pod_is_over(p) &&
            s->ghost.is_whole[p->attempt])
            return "a new attempt begins while a pod of an old one is alive";
    }
    return NULL;
}

static bool is_deleted_by(const struct plan *plan, const char *uid)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->actions[i].kind == ACTION_DELETE_POD && strcmp(plan->actions[i].uid, uid) == 0)
            return true;
    return false;
}

/* A request that came late, of an operator that is dead, may have made it. */
static const char *law_of_old_workers(const struct world *w, const struct plan *plan)
{
    for (size_t i = 0; i < w->pod_count && !w->job->is_deleting; i++) {
        const struct pod_facts *p = w->pods[i];
        bool is_alive = p->phase != POD_SUCCEEDED && p->phase != POD_FAILED && !p->is_deleting;
        if (is_alive && p->attempt < w->job->status.attempt && !is_deleted_by(plan, p->uid))
            return "a worker of an attempt that is over is left running";
    }
    return NULL;
}

const char *law_of_plan(const struct world *w, const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct action *a = &plan->actions[i];
        if (a->kind == ACTION_SET_STATUS && i != 0)
            return "the status is not written first";
        if (a->kind == ACTION_SET_STATUS && status_is_finished(&w->job->status))
            return "a job that has ended gets a new status";
        if ((a->kind == ACTION_CREATE_POD || a->kind == ACTION_CREATE_SERVICE ||
             a->kind == ACTION_CREATE_POLICY) &&
            w->job->is_deleting)
            return "a create for a job that is being deleted";
        if (a->kind == ACTION_WAKE_AT && a->at_us <= w->now_us)
            return "a wake-up in the past";
    }
    return law_of_old_workers(w, plan);
}

/* ---- rest ---- */

static bool was_hurt(const struct state *s)
{
    for (size_t i = 0; i < ATTEMPTS; i++)
        if (s->ghost.hurt[i])
            return true;
    return false;
}

static const char *law_of_workers_at_rest(const struct state *s)
{
    for (size_t i = 0; i < PODS && s->pods[i].number; i++) {
        if (s->pods[i].job != s->job.number)
            return "a pod without an owner is left";
        if (!pod_is_over(&s->pods[i]))
            return "the job has ended and a worker has not";
    }
    return NULL;
}

const char *law_of_rest(const struct state *s)
{
    const struct job_status *now = status_of(s->job.status);
    if (!s->job.number)
        return s->pods[0].number || s->service.number || s->policies[0].number || s->policies[1].number
                   ? "children outlive their job"
                   : NULL;
    if (!status_is_finished(now))
        return "nothing moves, and the job has not ended";
    if (!was_hurt(s) &&
        (now->phase != PHASE_SUCCEEDED || now->attempt != 1 || now->restarts != 0 || now->disruptions != 0))
        return "nothing happened to the workers, and the end is not the reference's";
    if (now->phase == PHASE_SUCCEEDED && now->restarts + now->disruptions != now->attempt - 1)
        return "at the end, attempts, restarts and disruptions do not add up";
    return law_of_workers_at_rest(s);
}
