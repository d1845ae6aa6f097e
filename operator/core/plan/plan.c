#include "core/plan/plan.h"

#include "core/plan/planner_int.h"

#include "base/banned.h"

/*
 * A job that spec.managedBy gives to another controller is not touched at all. A job or namespace that is
 * being deleted is left to Kubernetes' garbage collector: children go with their owner, and none may be
 * created.
 */
static bool is_ours_to_decide(const struct world *w)
{
    return job_is_ours(w->job) && w->ns != NULL && !w->ns->is_deleting && !w->job->is_deleting;
}

/*
 * The status is written before an attempt's pods are created, so pods of a newer attempt mean that the status
 * was lost: continue from the pods. If only our view of the job is stale, the status write is refused.
 */
static void recover_lost_status(struct planner *p)
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

static void continue_attempt(struct planner *p)
{
    plan_stop_old_workers(p);
    if (plan_create_children(p))
        plan_report_progress(p);
}

/* A failure counts whatever the spec says now; then success, which suspension must not undo. */
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
        continue_attempt(p);
}

static void fail_invalid_spec(struct planner *p)
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
    recover_lost_status(p);
    if (p->next.phase == PHASE_FAILING)
        plan_continue_failing(p);
    else if (p->j->spec_problem != NULL)
        fail_invalid_spec(p);
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
