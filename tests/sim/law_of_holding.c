/* What a gang may hold that a quota does not let in whole: others may wait for just that. */
#include <string.h>

#include "sim.h"

#include "base/banned.h"

static bool is_waiting(const struct job *j)
{
    const struct job_status *s = &j->status;
    bool has_failed = s->failure_count > 0 && s->failures[s->failure_count - 1].attempt == s->attempt;
    return !j->is_deleting && !j->spec.suspend && !status_is_finished(s) && !status_is_suspended(s) &&
           s->phase != PHASE_FAILING && !has_failed && *s->workers.completed_indexes == '\0';
}

static bool is_worker_refused(const struct world *w)
{
    return w->refusal.child.kind == CHILD_POD && w->refusal.child.attempt == w->job->status.attempt;
}

static bool is_let_go(const struct plan *plan, const struct pod_facts *p)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->actions[i].kind == ACTION_DELETE_POD && strcmp(plan->actions[i].uid, p->uid) == 0)
            return true;
    return false;
}

static bool is_due_by(const struct plan *plan, int64_t at_us)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->actions[i].kind == ACTION_WAKE_AT && plan->actions[i].at_us <= at_us)
            return true;
    return false;
}

const char *law_of_holding(const struct world *w, const struct plan *plan)
{
    int64_t since_us = INT64_MAX;
    int count = 0;
    bool is_all_let_go = true;
    for (size_t i = 0; i < w->pod_count; i++) {
        const struct pod_facts *p = w->pods[i];
        if (p->attempt != w->job->status.attempt)
            continue;
        /* It ends, or is about to be judged. */
        if (p->is_deleting || p->phase == POD_SUCCEEDED || p->phase == POD_FAILED ||
            p->trainer.state == CONTAINER_TERMINATED)
            return NULL;
        count++;
        since_us = p->created_us < since_us ? p->created_us : since_us;
        is_all_let_go = is_all_let_go && is_let_go(plan, p);
    }
    if (count == 0 || count == REPLICAS || !is_waiting(w->job) || !is_worker_refused(w) || is_all_let_go)
        return NULL;
    int64_t until_us = since_us + HOLD_S * INT64_C(1000000);
    if (until_us <= w->now_us)
        return "a part of a gang is held for longer than a minute, and a quota keeps out the rest";
    return is_due_by(plan, until_us) ? NULL : "nobody will look when a part of a gang is held for too long";
}
