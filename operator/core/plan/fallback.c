/* Several technologies in order of preference: when one has been full for too long, the next one is tried. */
#include "core/plan/planner_int.h"

#include <string.h>

#include "base/banned.h"

static const struct pod_facts *first_without_room(const struct planner *p)
{
    for (int32_t i = 0; i < p->gang.replicas; i++) {
        const struct pod_facts *pod = p->gang.workers[i];
        if (pod != NULL && !pod_is_bound(pod) && !pod_is_terminal(pod) && *pod->unschedulable_message != '\0')
            return pod;
    }
    return NULL;
}

/* Since when the attempt has lacked nodes; 0 = it does not, or the status does not say so yet. */
static int64_t unplaced_since(const struct planner *p)
{
    const struct status_condition *placed = status_condition(&p->j->status, "NodesReady");
    bool is_this_attempt = p->j->status.attempt == p->gang.attempt;
    return is_this_attempt && placed != NULL && strcmp(placed->status, "False") == 0 ? placed->transition_us
                                                                                     : 0;
}

static enum technology after(const struct job_spec *s, enum technology t)
{
    size_t i = 0;
    while (i < s->technology_count && s->technologies[i] != t)
        i++;
    return s->technologies[(i + 1) % s->technology_count];
}

bool plan_fall_back(struct planner *p, struct verdict *ret)
{
    const struct job_spec *s = &p->j->spec;
    const struct pod_facts *pod = first_without_room(p);
    int64_t since_us = unplaced_since(p);
    /* All pods of a pod group have the same shape, so a queued job keeps its technology. */
    if (s->fallback_after_seconds == 0 || *job_queue(p->j) != '\0' || s->technology_count < 2 ||
        pod == NULL || since_us == 0)
        return false;
    int64_t at_us = since_us + s->fallback_after_seconds * SECOND_US;
    if (at_us > p->w->now_us) {
        planner_wake_at(p, at_us, "end of fallbackAfterSeconds");
        return false;
    }
    enum technology t = job_technology(p->j);
    *ret = verdict_make(
        p->a, pod, REASON_TechnologyUnavailable,
        "no room for %s on %s nodes within fallbackAfterSeconds (%d); the next attempt requests %s: %s",
        verdict_worker_text(p->a, pod), technology_name(t), (int)s->fallback_after_seconds,
        technology_name(after(s, t)), pod->unschedulable_message);
    return true;
}

enum technology plan_next_technology(const struct planner *p)
{
    const struct job_status *s = &p->next;
    enum technology t = job_technology(p->j);
    const struct status_failure *last = s->failure_count > 0 ? &s->failures[s->failure_count - 1] : NULL;
    bool was_full = last != NULL && s->attempt == last->attempt &&
                    strcmp(last->reason, REASON_TechnologyUnavailable) == 0;
    return was_full ? after(&p->j->spec, t) : t;
}
