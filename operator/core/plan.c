#include "core/plan.h"

#include "core/planner.h"

#include "base/banned.h"

/*
 * A job or namespace on its way out is left to Kubernetes' garbage collector: the
 * children go with their owner, and nothing may be created any more.
 */
static bool is_ours_to_decide(const struct world *w)
{
    return w->namespace && !w->namespace->is_deleting && !w->job->is_deleting;
}

/*
 * Pods of an attempt that the status does not know mean that the status was lost (its write comes before
 * the pods): go on from what exists. Should only our view of the job be old, the status write is refused.
 */
static void catch_up(struct planner *p)
{
    if (p->gang.newest > p->next.attempt)
        planner_turn_to(p, p->gang.newest);
}

static bool all_succeeded(const struct gang *g)
{
    for (int32_t i = 0; i < g->replicas; i++)
        if (!g->workers[i] || g->workers[i]->phase != POD_SUCCEEDED)
            return false;
    return true;
}

static void decide_attempt(struct planner *p)
{
    if (plan_failure(p)) {
        if (!status_is_finished(&p->next))
            plan_restart(p);
        return;
    }
    plan_stop_old_workers(p);
    if (all_succeeded(&p->gang)) {
        plan_end_succeeded(p);
        return;
    }
    if (plan_children(p))
        plan_progress(p);
}

static void refuse_spec(struct planner *p)
{
    const struct verdict v = verdict_make(p->a, NULL, REASON_InvalidSpec, "%s", p->j->spec_problem);
    plan_end_failed(p, v.reason, v.message, -1);
}

static void decide(struct planner *p)
{
    if (status_is_finished(&p->j->status)) {
        plan_stop_workers(p, -1, "the job has ended");
        return;
    }
    p->next.observed_generation = p->j->generation;
    catch_up(p);
    if (p->j->spec_problem)
        refuse_spec(p);
    else if (p->next.attempt == 0)
        plan_start(p);
    else
        decide_attempt(p);
    plan_sweep(p);
    plan_describe(p);
}

struct plan plan_job(const struct world *w, struct arena *a)
{
    struct planner p;
    planner_init(&p, w, a);
    if (is_ours_to_decide(w))
        decide(&p);
    return planner_finish(&p);
}
