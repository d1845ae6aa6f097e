#include "core/plan/planner_int.h"

#include <stdarg.h>
#include <string.h>

#include "api/status_json.h"
#include "base/alloc.h"

#include "base/banned.h"

/* What the events API allows, in bytes. */
#define NOTE_MAX ((size_t)1024)
/* Service, policy, events, wake-up and status, beside one action for each pod. */
#define OTHER_ACTIONS (EVENTS_MAX + 8)

void planner_init(struct planner *p, const struct world *w, struct arena *a)
{
    const struct job *j = w->job;
    *p = (struct planner){.w = w, .j = j, .a = a, .next = j->status, .count = 1};
    p->technology = job_technology(j);
    gang_init(&p->gang, w, j->status.attempt, a);
    size_t most = (size_t)p->gang.replicas + w->pod_count + OTHER_ACTIONS;
    p->actions = arena_calloc(a, most, sizeof(*p->actions));
}

void planner_set_attempt(struct planner *p, int32_t attempt)
{
    p->next.attempt = attempt;
    gang_init(&p->gang, p->w, attempt, p->a);
}

void planner_add_action(struct planner *p, struct action action)
{
    p->actions[p->count++] = action;
}

void planner_wake_at(struct planner *p, int64_t at_us, const char *why)
{
    if (p->wake_us != 0 && p->wake_us <= at_us)
        return;
    p->wake_us = at_us;
    p->wake_why = why;
}

int64_t planner_now_us(const struct planner *p)
{
    return p->w->now_us / SECOND_US * SECOND_US;
}

void planner_set_phase(struct planner *p, enum job_phase phase, const char *reason, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text CLEANUP(cleanup_free) = xvasprintf(format, args);
    va_end(args);
    p->next.phase = phase;
    p->next.reason = reason;
    p->next.message = text_clip(p->a, arena_strdup(p->a, text), MESSAGE_MAX);
}

void planner_add_event(struct planner *p, const char *type, const char *reason, const char *note)
{
    planner_add_pod_event(p, type, reason, NULL, note);
}

void planner_add_pod_event(struct planner *p, const char *type, const char *reason, const char *pod,
                           const char *note)
{
    if (p->event_count == EVENTS_MAX)
        return;
    p->events[p->event_count++] = (struct action){.kind = ACTION_EVENT,
                                                  .why = reason,
                                                  .type = type,
                                                  .reason = reason,
                                                  .pod = pod != NULL && *pod != '\0' ? pod : NULL,
                                                  .note = text_clip(p->a, note, NOTE_MAX)};
}

/* status.reason changed: an event, as its row in reasons.def says. Reasons without a row come from agents. */
static void add_transition_event(struct planner *p)
{
    enum reason_event event = reason_of(p->next.reason).event;
    if (event != REASON_EVENT_NONE && strcmp(p->next.reason, p->j->status.reason) != 0)
        planner_add_event(p, event == REASON_EVENT_NORMAL ? "Normal" : "Warning", p->next.reason,
                          p->next.message);
}

static const struct job_status *copy_status(const struct planner *p)
{
    struct job_status *s = arena_alloc(p->a, sizeof(*s));
    *s = p->next;
    return s;
}

static size_t count_of_kind(const struct planner *p, enum action_kind kind)
{
    size_t n = 0;
    for (size_t i = 1; i < p->count; i++)
        n += p->actions[i].kind == kind;
    return n;
}

/* The first slot is reserved for the status. */
static size_t count_writes(const struct planner *p)
{
    return p->count - 1 - count_of_kind(p, ACTION_ASK_AUTOSCALER);
}

/*
 * A write must not be based on a job that another operator, or the user, has changed since. Writing a status
 * fails then, by its resourceVersion; where the status does not change, the job is read again first. A
 * finished job does not change any more.
 */
static bool needs_fence(const struct planner *p)
{
    return count_writes(p) > 0 && !status_is_finished(&p->j->status);
}

/* Whether the new status only reports progress and records no decision. */
static bool is_progress_only(const struct planner *p)
{
    const struct job_status *s = &p->next, *was = &p->j->status;
    return s->observed_generation == was->observed_generation && s->attempt == was->attempt &&
           s->failure_count == was->failure_count && s->restarts == was->restarts &&
           s->disruptions == was->disruptions && s->backoff_until_us == was->backoff_until_us &&
           !status_is_finished(s);
}

/* Decisions are never deferred. Making workers owners of their policy is not one. */
static bool may_defer_status(const struct planner *p)
{
    return p->w->status_after_us > p->w->now_us && is_progress_only(p) &&
           count_writes(p) == count_of_kind(p, ACTION_UPDATE_POLICY);
}

/* The events report transitions that the status does not show yet, so they wait with it. */
static void defer_status(struct planner *p)
{
    p->event_count = 0;
    planner_wake_at(p, p->w->status_after_us, "deferred status");
}

struct plan planner_finish(struct planner *p)
{
    bool is_new = !status_equal(&p->next, &p->j->status);
    if (is_new && may_defer_status(p)) {
        defer_status(p);
        is_new = false;
    }
    bool must_confirm = !is_new && needs_fence(p);
    if (is_new)
        add_transition_event(p);
    for (size_t i = 0; i < p->event_count; i++)
        planner_add_action(p, p->events[i]);
    if (p->wake_us != 0)
        planner_add_action(p,
                           (struct action){.kind = ACTION_WAKE_AT, .why = p->wake_why, .at_us = p->wake_us});
    if (must_confirm)
        p->actions[0] = (struct action){.kind = ACTION_CONFIRM_JOB, .why = "writes planned on a cached job"};
    else if (is_new)
        p->actions[0] =
            (struct action){.kind = ACTION_SET_STATUS, .why = p->next.reason, .status = copy_status(p)};
    else
        return (struct plan){p->actions + 1, p->count - 1};
    return (struct plan){p->actions, p->count};
}
