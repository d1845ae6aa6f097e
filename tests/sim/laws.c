/* What must hold, whatever happens. A law that is broken is named by a sentence. */
#include <string.h>

#include "api/names.h"
#include "api/status_json.h"
#include "sim.h"

#include "base/banned.h"

enum { REWRITES = 12, MAX_RESTARTS = 2, MAX_DISRUPTIONS = 2, ALL_WORKERS = (1 << REPLICAS) - 1 };

static int64_t now_us(const struct state *s)
{
    return SIM_EPOCH_US + s->ms * INT64_C(1000);
}

/* ---- counters ---- */

static const char *law_of_charge(struct ghost *g, const struct job_status *old, const struct job_status *now)
{
    int restarts = now->restarts - old->restarts, disruptions = now->disruptions - old->disruptions;
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

/* Each attempt but the last has failed once, or was given up. */
static const char *law_of_sum(const struct ghost *g, const struct job_status *now, int32_t last)
{
    int32_t charged = 0;
    for (int32_t i = 1; i <= last; i++) {
        charged += g->charged[i];
        if (g->charged[i] == 0 && !g->is_given_up[i])
            return "a new attempt began, and the old one's failure is not counted";
    }
    return now->restarts + now->disruptions == charged ? NULL
                                                       : "attempts, restarts and disruptions do not add up";
}

static const char *law_of_attempt(const struct ghost *g, const struct job_status *old,
                                  const struct job_status *now)
{
    if (now->attempt == old->attempt)
        return NULL;
    if (now->attempt != old->attempt + 1)
        return "the attempt number does not go up by one";
    return law_of_sum(g, now, old->attempt);
}

/* ---- ends ---- */

/* What was deleted before it found a node never ran. */
static bool is_alive(const struct pod *p)
{
    return !pod_is_over(p) && (p->node || !(p->flags & POD_DELETING));
}

static const char *law_of_failed(const struct state *s, const struct job_status *now)
{
    uint8_t hurt = s->ghost.hurt[now->attempt];
    if (strcmp(now->reason, "DeadlineExceeded") == 0)
        return s->job.variant & WITH_DEADLINE &&
                       now_us(s) >= now->start_time_us + DEADLINE_S * INT64_C(1000000)
                   ? NULL
                   : "the deadline has not come";
    if (strcmp(now->reason, "RestartLimitExceeded") == 0)
        return now->restarts == MAX_RESTARTS && hurt & HURT_PROGRAM ? NULL
                                                                    : "the restart limit is not reached";
    if (strcmp(now->reason, "DisruptionLimitExceeded") == 0)
        return now->disruptions == MAX_DISRUPTIONS && hurt & HURT_DISRUPTED
                   ? NULL
                   : "the disruption limit is not reached";
    return hurt & HURT_SECURITY ? NULL : "the job has failed without a cause";
}

/* Who reads Failed may take the job's nodes and keys for free. */
static const char *law_of_survivors(const struct state *s)
{
    /* Another operator's creates may be on their way, however new its view was. */
    bool is_late = s->ghost.was_late || s->ops_used > 1;
    for (size_t i = 0; i < PODS && s->pods[i].number && !is_late; i++)
        if (s->pods[i].job == s->job.number && is_alive(&s->pods[i]))
            return "the job is said to have failed while a worker runs";
    return NULL;
}

/* What a job that has ended may still say anew is which edit of it was seen. */
static bool is_same_end(const struct job_status *old, const struct job_status *now)
{
    struct job_status without = *now;
    without.observed_generation = old->observed_generation;
    return status_equal(old, &without);
}

static const char *law_of_end(const struct state *s, const struct job_status *old,
                              const struct job_status *now)
{
    const struct ghost *g = &s->ghost;
    char output[64];
    (void)snprintf(output, sizeof(output), "gs://bucket/models/%d/", (int)now->attempt);
    if (status_is_finished(old) && !is_same_end(old, now))
        return "a job that has ended gets a new status";
    if (old->phase == PHASE_FAILING && !status_is_failed(now))
        return "a job that was about to fail does not";
    if (now->phase == PHASE_FAILED && law_of_survivors(s) != NULL)
        return law_of_survivors(s);
    if (status_is_failed(now))
        return *now->output.uri != '\0' ? "a failed job has an output" : law_of_failed(s, now);
    if (now->phase != PHASE_SUCCEEDED)
        return *now->output.uri != '\0' ? "an output before the end" : NULL;
    if (g->succeeded[now->attempt] != ALL_WORKERS)
        return "success, but not all workers of the attempt succeeded";
    if (strcmp(now->output.uri, output) != 0)
        return "the output is not this attempt's";
    return NULL;
}

static const char *law_of_counts(const struct job_status *now)
{
    const struct status_workers *n = &now->workers;
    if (n->active + n->succeeded + n->failed > REPLICAS || n->ready > n->active)
        return "more workers are counted than there are";
    if (now->failure_count > 0 && now->failures[now->failure_count - 1].attempt > now->attempt)
        return "a failure of an attempt to come";
    return NULL;
}

static const struct status_failure *last_failure(const struct job_status *s)
{
    return s->failure_count > 0 ? &s->failures[s->failure_count - 1] : NULL;
}

static bool is_given_back(const struct job_status *s)
{
    const struct status_failure *last = last_failure(s);
    return last != NULL && last->attempt == s->attempt && strcmp(last->reason, "GangIncomplete") == 0;
}

const char *law_of_status(struct state *s, const struct job_status *old, const struct job_status *now)
{
    struct ghost *g = &s->ghost;
    const struct status_workers *n = &now->workers;
    if (now->attempt < 0 || now->attempt >= ATTEMPTS)
        return "the attempt number is out of hand";
    const char *law = law_of_attempt(g, old, now);
    law = law != NULL ? law : law_of_charge(g, old, now);
    law = law != NULL ? law : law_of_end(s, old, now);
    law = law != NULL ? law : law_of_counts(now);
    if (n->active + n->succeeded + n->failed == REPLICAS)
        g->is_whole[now->attempt] = true;
    if (status_is_suspended(now) || is_given_back(now))
        g->is_given_up[now->attempt] = true;
    if (law == NULL && is_given_back(now) && !is_given_back(old) && g->is_whole[now->attempt])
        law = "a whole gang is given back";
    if (law == NULL && ++g->rewrites > REWRITES)
        law = "the status is written again and again, and nothing else happens";
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
    bool is_late = s->ghost.was_late;
    if (w->attempt > now->attempt)
        return "a pod of an attempt that the status does not name yet";
    /* Nothing in the API fences a create that is late, or a second operator's: the agents do. */
    if (is_late)
        return NULL;
    if (w->attempt < now->attempt)
        return "a pod of an attempt that is over";
    if (status_is_finished(now) || now->phase == PHASE_FAILING)
        return "a pod for a job that has ended";
    if (now->phase == PHASE_SUSPENDED)
        return "a pod for a job that is suspended";
    if (s->ghost.is_whole[w->attempt])
        return "a second pod of an index and attempt";
    for (size_t i = 0; i < PODS && s->pods[i].number; i++) {
        const struct pod *p = &s->pods[i];
        if (p->job == base->number && p->attempt < w->attempt && is_alive(p) && s->ghost.is_whole[p->attempt])
            return "a new attempt begins while a pod of an old one is alive";
    }
    return NULL;
}

static bool holds(const uint8_t set[32], uint8_t number)
{
    return set[number / 8] >> number % 8 & 1;
}

const char *law_of_known_causes(const struct oper *o, const struct job_status *now)
{
    const struct status_failure *last = last_failure(now), *before = last_failure(status_of(o->job.status));
    bool is_new = last != NULL && (before == NULL || before->attempt != last->attempt);
    if (!is_new || strcmp(last->reason, "PodDeleted") != 0)
        return NULL;
    for (uint8_t index = 0; index < REPLICAS; index++) {
        char name[NAME_SIZE];
        name_pod("digits", index, last->attempt, name);
        if (strcmp(name, last->pod) == 0 && o->seen_lost[last->attempt] >> index & 1)
            return "a worker was seen to be lost with its node, and is said to have been deleted";
    }
    return NULL;
}

const char *law_of_own_writes(const struct state *s, const struct oper *o, const struct simwrite *w)
{
    const struct pod *p = NULL;
    for (size_t i = 0; i < PODS && s->pods[i].number; i++)
        if (s->pods[i].attempt == w->attempt && s->pods[i].index == w->index)
            p = &s->pods[i];
    bool is_pod = w->kind == ACTION_CREATE_POD || w->kind == ACTION_DELETE_POD;
    bool is_of_job = w->kind == ACTION_SET_STATUS || w->kind == ACTION_CONFIRM_JOB;
    if (is_of_job && o->base.number == s->job.number && o->base.version < o->last_version)
        return "it decides on a status that it has replaced itself";
    if (!is_pod || p == NULL || p->job != o->base.number)
        return NULL;
    if (w->kind == ACTION_CREATE_POD && holds(o->made, p->number))
        return "it makes again what it has made";
    /* By force is another thing than with grace, once. */
    bool is_again = w->grace != 0 || (p->flags & POD_FORCED && s->ops_used == 1);
    if (w->kind == ACTION_DELETE_POD && is_again && holds(o->stopped, p->number))
        return "it stops again what it has stopped";
    return NULL;
}

const char *law_of_waiting(const struct state *s, const struct oper *o)
{
    if (!o->is_up || o->due != 2 || o->in_reconcile)
        return NULL;
    for (enum cache i = 0; i < CACHE_COUNT; i++)
        if (o->calls[i] != CALL_WATCH)
            return NULL;
    /* What came and went before a list was taken left no trace: then patience is all there is. */
    for (size_t i = 0; i < o->expect_count; i++)
        if (o->taken_ms[o->expects[i].cache] > o->expects[i].since_ms)
            return NULL;
    bool is_all_seen = o->jobs_queued == 0 && o->pods_queued == 0 && o->service_missed.number == 0 &&
                       memcmp(&o->service, &s->service, sizeof(o->service)) == 0 && !has_policy_news(s, o);
    return is_all_seen ? "it waits for what it has seen, or can never see" : NULL;
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
        bool is_left = is_alive && !is_deleted_by(plan, p->uid);
        if (is_left && p->attempt < w->job->status.attempt)
            return "a worker of an attempt that is over is left running";
        if (is_left && w->job->spec.suspend && w->job->status.phase == PHASE_SUSPENDED)
            return "a worker of a suspended job is left running";
    }
    return NULL;
}

/* Ended workers stay, for their logs, until they are in the way or nobody is to read them any more. */
static const char *law_of_ended_workers(const struct world *w, const struct plan *plan)
{
    const struct job_status *now = &w->job->status;
    int64_t ttl_us = w->job->spec.ttl_seconds * INT64_C(1000000);
    bool is_ttl_over = ttl_us >= 0 && w->now_us >= now->finish_time_us + ttl_us;
    if (status_is_finished(now) && (is_ttl_over || w->job->spec.clean_pods == CLEAN_PODS_ALL))
        return NULL;
    for (size_t i = 0; i < w->pod_count; i++) {
        const struct pod_facts *p = w->pods[i];
        bool is_over = p->phase == POD_SUCCEEDED || p->phase == POD_FAILED;
        if (is_over && p->attempt >= now->attempt - FAILURES_MAX && is_deleted_by(plan, p->uid))
            return "a worker that has ended is removed, and its log with it";
    }
    return NULL;
}

const char *law_of_plan(const struct world *w, const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct action *a = &plan->actions[i];
        bool is_write = a->kind != ACTION_SET_STATUS && a->kind != ACTION_CONFIRM_JOB &&
                        a->kind != ACTION_EVENT && a->kind != ACTION_WAKE_AT &&
                        a->kind != ACTION_ASK_AUTOSCALER;
        if (a->kind == ACTION_SET_STATUS && i != 0)
            return "the status is not written first";
        if (is_write && plan->actions[0].kind != ACTION_SET_STATUS &&
            plan->actions[0].kind != ACTION_CONFIRM_JOB && !status_is_finished(&w->job->status))
            return "a write that nothing refuses when another operator has overtaken it";
        if (a->kind == ACTION_SET_STATUS && status_is_finished(&w->job->status) &&
            !is_same_end(&w->job->status, a->status))
            return "a job that has ended gets a new status";
        if ((a->kind == ACTION_CREATE_POD || a->kind == ACTION_CREATE_SERVICE ||
             a->kind == ACTION_CREATE_POLICY) &&
            w->job->is_deleting)
            return "a create for a job that is being deleted";
        if (a->kind == ACTION_WAKE_AT && a->at_us <= w->now_us)
            return "a wake-up in the past";
    }
    const char *law = law_of_ended_workers(w, plan);
    law = law != NULL ? law : law_of_old_workers(w, plan);
    return law != NULL ? law : law_of_holding(w, plan);
}

/* ---- what is removed ---- */

static bool is_time_to_clean(const struct state *s, const struct job_status *now)
{
    bool is_ttl_over =
        s->job.variant & WITH_TTL && now_us(s) >= now->finish_time_us + TTL_S * INT64_C(1000000);
    return status_is_finished(now) && (is_ttl_over || s->job.variant & WITH_CLEAN_PODS);
}

static uint8_t job_of_child(const struct state *s, const struct simwrite *w, const struct pod *p)
{
    uint8_t job = 1;
    if (p != NULL)
        return p->job;
    if (w->kind != ACTION_DELETE_POLICY)
        return s->service.job;
    while (job < JOBS && s->policies[job - 1].number != w->number)
        job++;
    return job;
}

const char *law_of_delete(const struct state *s, const struct simwrite *w, const struct pod *p)
{
    const struct job_status *now = status_of(s->job.status);
    /* Of a job that is gone: the garbage collector's. */
    if (job_of_child(s, w, p) != s->job.number)
        return NULL;
    if (w->kind == ACTION_DELETE_POLICY)
        return is_time_to_clean(s, now) && s->job.variant & WITH_TTL ? NULL
                                                                     : "the policy is removed too early";
    if (p == NULL)
        return is_time_to_clean(s, now) && s->job.variant & WITH_TTL ? NULL
                                                                     : "the Service is removed too early";
    bool is_forced = w->grace == 0;
    if (is_forced && (!(p->flags & POD_DELETING) || s->ms / 1000 < (uint32_t)p->leaves_s + FORCE_S))
        return "a pod is deleted by force within its time";
    return NULL;
}

/* ---- rest ---- */

static bool was_hurt(const struct state *s)
{
    for (size_t i = 0; i < ATTEMPTS; i++)
        if (s->ghost.hurt[i] || s->ghost.is_given_up[i])
            return true;
    return strcmp(status_of(s->job.status)->reason, "DeadlineExceeded") == 0;
}

/* What is asked of a job that has ended, and what may be left of it. */
static const char *law_of_leftovers(const struct state *s)
{
    bool has_pods = s->pods[0].number != 0;
    if (s->job.variant & WITH_TTL && (has_pods || s->service.number || s->policies[s->job.number - 1].number))
        return "the job's time to live is over, and children are left";
    if (s->job.variant & WITH_CLEAN_PODS && has_pods)
        return "cleanPodPolicy is All, and pods are left";
    return NULL;
}

static const char *law_of_workers_at_rest(const struct state *s)
{
    for (size_t i = 0; i < PODS && s->pods[i].number; i++) {
        if (s->pods[i].job != s->job.number)
            return "a pod without an owner is left";
        if (is_alive(&s->pods[i]))
            return "the job has ended, or is suspended, and a worker runs";
        if (s->pods[i].flags & POD_DELETING)
            return "the job has ended, or is suspended, and a deleted pod does not go";
    }
    return status_is_finished(status_of(s->job.status)) ? law_of_leftovers(s) : NULL;
}

const char *law_of_rest(const struct state *s)
{
    const struct job_status *now = status_of(s->job.status);
    if (!s->job.number)
        return s->pods[0].number || s->service.number || s->policies[0].number || s->policies[1].number
                   ? "children outlive their job"
                   : NULL;
    if (s->job.is_suspended && now->phase == PHASE_SUSPENDED)
        return law_of_workers_at_rest(s);
    if (!status_is_finished(now))
        return "nothing moves, and the job has not ended";
    if (!was_hurt(s) &&
        (now->phase != PHASE_SUCCEEDED || now->attempt != 1 || now->restarts != 0 || now->disruptions != 0))
        return "nothing happened to the workers, and the end is not the reference's";
    if (now->phase == PHASE_SUCCEEDED && law_of_sum(&s->ghost, now, now->attempt - 1) != NULL)
        return law_of_sum(&s->ghost, now, now->attempt - 1);
    return law_of_workers_at_rest(s);
}
