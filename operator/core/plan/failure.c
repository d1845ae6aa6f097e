/* An attempt that failed: the failure is found, recorded once, and charged to its budget. */
#include "core/plan/planner_int.h"

#include <string.h>

#include "api/names.h"
#include "core/verdict/rules.h"

#include "base/banned.h"

#define FAILURE_MESSAGE_MAX ((size_t)2048)
/* Names of nodes in one message, in bytes. */
#define NODES_TEXT_MAX ((size_t)1536)
/* An attempt that has been healthy for this long resets the backoff. */
#define HEALTHY_US (600 * SECOND_US)
/* After a program has exited, its pod is given this long to terminate with the agent's report. */
#define CAUSE_WAIT_US       (15 * SECOND_US)
#define BACKOFF_MAX_SECONDS INT64_C(360)

static bool is_recorded(const struct job_status *s)
{
    return s->failure_count > 0 && s->failures[s->failure_count - 1].attempt == s->attempt;
}

/* Where the workers ran when the status was written last: one that was force-deleted may still run there. */
static const char *last_nodes(const struct planner *p)
{
    return text_list(p->a, p->j->status.nodes, p->j->status.node_count, NODES_TEXT_MAX);
}

#define MAY_STILL_RUN                                                                                        \
    ". If it was force-deleted, its machine may still be running it with the job's keys; make sure the "     \
    "machine is off"

/*
 * Fewer pods than status.workers counts: one was deleted without being observed. A pod that was never counted
 * is created, not missed.
 */
static bool find_missing(const struct planner *p, struct verdict *ret)
{
    if (gang_missing(&p->gang, &p->j->status) <= 0)
        return false;
    int32_t index = 0;
    while (p->gang.workers[index] != NULL || p->gang.departed[index] != NULL)
        index++;
    char name[NAME_SIZE];
    name_pod(p->j->name, index, p->gang.attempt, name);
    const char *nodes = last_nodes(p);
    *ret = verdict_make(p->a, NULL, REASON_PodDeleted, "worker %d (pod %s) was deleted%s%s", (int)index, name,
                        *nodes != '\0' ? MAY_STILL_RUN ". The attempt ran on " : "", nodes);
    ret->pod_name = arena_strdup(p->a, name);
    return true;
}

/* The state in which the pod was seen last tells the cause, even if the pod was deleted in the same moment.
 */
static struct verdict verdict_of_departed(const struct planner *p, const struct pod_facts *departed)
{
    struct pod_facts *pod = arena_alloc(p->a, sizeof(*pod));
    struct verdict v;
    int64_t unused;
    *pod = *departed;
    pod->is_deleting = pod->is_deleting || !pod_is_terminal(pod);
    if (verdict_of_pod(p->w, pod, p->a, &v, &unused) && strcmp(v.reason, REASON_PodDeleted) != 0)
        return v;
    bool may_run = pod_is_bound(pod) && !pod_is_terminal(pod);
    return verdict_make(p->a, pod, REASON_PodDeleted, "%s was deleted%s", verdict_worker_text(p->a, pod),
                        may_run ? MAY_STILL_RUN : "");
}

static bool find_failure(struct planner *p, struct verdict *ret)
{
    bool has_failed = find_missing(p, ret);
    for (int32_t i = 0; i < p->gang.replicas; i++) {
        struct verdict v;
        int64_t recheck_us = 0;
        bool is_failure = p->gang.departed[i] != NULL;
        if (is_failure)
            v = verdict_of_departed(p, p->gang.departed[i]);
        else if (p->gang.workers[i] != NULL && !pod_is_remembered(p->gang.workers[i]))
            is_failure = verdict_of_pod(p->w, p->gang.workers[i], p->a, &v, &recheck_us);
        if (is_failure && (!has_failed || verdict_outranks(&v, ret))) {
            *ret = v;
            has_failed = true;
        }
        if (recheck_us != 0)
            planner_wake_at(p, recheck_us, "container start timeout");
    }
    return has_failed;
}

/*
 * When one worker dies, its peers lose their connections and fail as well, and a peer's pod may be complete
 * first. So a failure that may be a consequence waits for the pods whose programs have exited: one of them
 * may have the cause. It does not wait while the job is being suspended, which deletes these pods, nor for a
 * pod that is gone, which only this run knows about.
 */
static bool must_wait_for_cause(struct planner *p, const struct verdict *v)
{
    if (v->retry == RETRY_NEVER || v->failure_class == CLASS_Disruption || p->j->spec.suspend ||
        gang_departed(&p->gang) > 0)
        return false;
    int64_t until = 0;
    for (int32_t i = 0; i < p->gang.replicas; i++) {
        const struct pod_facts *pod = p->gang.workers[i];
        if (pod == NULL || pod_is_terminal(pod) || pod->trainer.state != CONTAINER_TERMINATED ||
            pod->is_deleting)
            continue;
        if (pod->trainer.finished_us + CAUSE_WAIT_US > until)
            until = pod->trainer.finished_us + CAUSE_WAIT_US;
    }
    if (until <= p->w->now_us)
        return false;
    planner_wake_at(p, until, "report of a failed worker");
    return true;
}

static void record(struct planner *p, const struct verdict *v)
{
    struct job_status *s = &p->next;
    if (s->failure_count == FAILURES_MAX) {
        memmove(s->failures, s->failures + 1, (FAILURES_MAX - 1) * sizeof(*s->failures));
        s->failure_count--;
    }
    s->failures[s->failure_count++] = (struct status_failure){
        .attempt = p->gang.attempt,
        .pod = v->pod != NULL ? v->pod->name : v->pod_name,
        .node = v->pod != NULL ? v->pod->node : "",
        .container = v->container,
        .exit_code = v->exit_code,
        .signal = v->signal,
        .failure_class = failure_class_name(v->failure_class),
        .reason = v->reason,
        .message = text_clip(p->a, v->message, FAILURE_MESSAGE_MAX),
        .time_us = v->time_us ? v->time_us : planner_now_us(p),
    };
}

static bool was_healthy_for_long(const struct planner *p)
{
    const struct status_condition *ready = status_condition(&p->j->status, "WorkersReady");
    return ready != NULL && strcmp(ready->status, "True") == 0 &&
           p->w->now_us - ready->transition_us >= HEALTHY_US;
}

/*
 * In each run, not only when a failure is recorded: a program exits some runs before its pod has failed, and
 * the first of these runs sets WorkersReady to False.
 */
static void reset_backoff_when_healthy(struct planner *p)
{
    if (was_healthy_for_long(p))
        p->next.backoff_failures = 0;
}

static void back_off(struct planner *p, const struct verdict *v)
{
    int32_t failures = p->next.backoff_failures;
    int64_t seconds = p->j->spec.failure_policy.backoff_seconds;
    for (int32_t i = 0; i < failures && seconds < BACKOFF_MAX_SECONDS; i++)
        seconds *= 2;
    if (seconds > BACKOFF_MAX_SECONDS || v->retry == RETRY_SLOWLY)
        seconds = BACKOFF_MAX_SECONDS;
    p->next.backoff_failures = failures < INT32_MAX ? failures + 1 : failures;
    p->next.backoff_until_us = planner_now_us(p) + seconds * SECOND_US;
}

/* The budget that a failure is charged to. */
struct budget {
    const char *field;  /* of failurePolicy; NULL = not charged */
    const char *reason; /* of the job's failure when it is used up */
    int32_t limit;      /* -1 = unlimited */
    int32_t *spent;
};

static struct budget budget_of(struct planner *p, const struct verdict *v, const struct job_rule *rule)
{
    const struct job_failure_policy *policy = &p->j->spec.failure_policy;
    if (rule != NULL && rule->action == RULE_IGNORE)
        return (struct budget){0};
    if (rule != NULL || v->failure_class != CLASS_Disruption)
        return (struct budget){"maxRestarts", REASON_RestartLimitExceeded, policy->max_restarts,
                               &p->next.restarts};
    return (struct budget){"maxDisruptions", REASON_DisruptionLimitExceeded, policy->max_disruptions,
                           &p->next.disruptions};
}

/* False when the budget is used up; the job has failed then. */
static bool spend_budget(struct planner *p, const struct verdict *v, const struct job_rule *rule)
{
    const struct budget b = budget_of(p, v, rule);
    if (b.field == NULL)
        return true;
    if (b.limit >= 0 && *b.spent >= b.limit) {
        plan_fail(p, b.reason,
                  arena_printf(p->a, "Attempt %d failed and failurePolicy.%s is %d: %s", (int)p->gang.attempt,
                               b.field, (int)b.limit, v->message));
        return false;
    }
    if (*b.spent < INT32_MAX)
        ++*b.spent;
    return true;
}

static void fail_by_rule(struct planner *p, const struct verdict *v, const struct job_rule *rule)
{
    plan_fail(p, REASON_PodFailurePolicy,
              arena_printf(p->a, "Attempt %d failed and rule %d of failurePolicy.rules says FailJob: %s",
                           (int)p->gang.attempt, (int)(rule - p->j->spec.failure_policy.rules) + 1,
                           v->message));
}

static void restart_or_fail(struct planner *p, const struct verdict *v)
{
    const struct job_rule *rule = rule_of_failure(p->j, v);
    if (rule != NULL && rule->action == RULE_FAIL_JOB) {
        fail_by_rule(p, v, rule);
    } else if (v->retry == RETRY_NEVER && rule == NULL) {
        plan_fail(p, v->reason, v->message);
    } else if (spend_budget(p, v, rule)) {
        back_off(p, v);
        planner_add_pod_event(p, "Warning", v->reason, v->pod != NULL ? v->pod->name : v->pod_name,
                              v->message);
    }
}

/* An attempt that found no room or an incomplete quota: it is not charged. With another technology the next
 * attempt starts without backoff. */
static bool end_unplaced_attempt(struct planner *p)
{
    struct verdict v;
    if (status_is_suspended(&p->next) || p->j->spec.suspend)
        return false;
    bool is_released = plan_release_partial_gang(p, &v);
    if (!is_released && !plan_fall_back(p, &v))
        return false;
    record(p, &v);
    if (is_released)
        plan_back_off_after_release(p);
    planner_add_event(p, "Warning", v.reason, v.message);
    return true;
}

bool plan_handle_failure(struct planner *p)
{
    struct verdict v;
    reset_backoff_when_healthy(p);
    if (is_recorded(&p->next))
        return true;
    if (!find_failure(p, &v))
        return end_unplaced_attempt(p);
    if (must_wait_for_cause(p, &v))
        return false;
    /* How workers end that suspension deletes is not a failure. */
    if (status_is_suspended(&p->next) && v.failure_class != CLASS_Security)
        return false;
    record(p, &v);
    restart_or_fail(p, &v);
    return true;
}
