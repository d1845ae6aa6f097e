#include "core/plan/plan.h"

#include "core/plan/planner_int.h"

#include "base/banned.h"

/*
 * Another controller's job is not touched at all. A job or namespace on its way out is left to Kubernetes'
 * garbage collector: the children go with their owner, and nothing may be created any more.
 */
static bool is_ours_to_decide(const struct world *w)
{
    return job_is_ours(w->job) && w->ns != NULL && !w->ns->is_deleting && !w->job->is_deleting;
}

/*
 * Pods of an attempt that the status does not know mean that the status was lost (its write comes before
 * the pods): go on from what exists. Should only our view of the job be old, the status write is refused.
 */
static void catch_up(struct planner *p)
{
    if (p->gang.newest <= p->next.attempt)
        return;
    planner_set_attempt(p, p->gang.newest);
    if (p->next.start_time_us == 0)
        p->next.start_time_us = planner_now_us(p);
}

static bool all_succeeded(const struct gang *g)
{
    for (int32_t i = 0; i < g->replicas; i++)
        if (g->workers[i] == NULL || g->workers[i]->phase != POD_SUCCEEDED)
            return false;
    return true;
}

static void go_on(struct planner *p)
{
    plan_stop_old_workers(p);
    if (plan_create_children(p))
        plan_report_progress(p);
}

/* Its failure comes first, for it counts whatever else is asked; then success, for nobody wants it undone. */
static void decide_attempt(struct planner *p)
{
    bool is_over = plan_handle_failure(p) || status_is_suspended(&p->next);
    if (status_is_failed(&p->next))
        return;
    if (!is_over && all_succeeded(&p->gang))
        plan_succeed(p);
    else if (p->j->spec.suspend)
        plan_suspend(p);
    else if (plan_enforce_deadline(p))
        return;
    else if (p->next.attempt == 0)
        plan_start(p);
    else if (is_over)
        plan_restart(p);
    else
        go_on(p);
}

static void refuse_spec(struct planner *p)
{
    const struct verdict v = verdict_make(p->a, NULL, REASON_InvalidSpec, "%s", p->j->spec_problem);
    plan_fail(p, v.reason, v.message);
}

static void decide(struct planner *p)
{
    p->next.observed_generation = p->j->generation;
    if (status_is_finished(&p->j->status)) {
        plan_clean_up(p);
        return;
    }
    catch_up(p);
    if (p->next.phase == PHASE_FAILING)
        plan_continue_failing(p);
    else if (p->j->spec_problem != NULL)
        refuse_spec(p);
    else
        decide_attempt(p);
    plan_exclude_queued_time(p);
    plan_report_resumption(p);
    plan_report_forced_deletion(p);
    plan_remove_old_pods(p);
    plan_update_status(p);
}

struct plan plan_job(const struct world *w, struct arena *a)
{
    struct planner p;
    planner_init(&p, w, a);
    if (is_ours_to_decide(w)) {
        decide(&p);
        plan_notify(&p);
    }
    return planner_finish(&p);
}
