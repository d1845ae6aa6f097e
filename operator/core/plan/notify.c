/*
 * Pending notifications. A notification is added to the status in the same write that records what it
 * reports, and stays there until every target has received it, so that no crash in between can lose it.
 */
#include "core/plan/planner_int.h"

#include <string.h>

#include "base/banned.h"

#define NOTIFICATION_MESSAGE_MAX ((size_t)1024)

/* ---- targets ---- */
static bool is_defined(const struct planner *p, const char *target)
{
    for (size_t i = 0; i < p->w->config->notification_target_count; i++)
        if (strcmp(p->w->config->notification_targets[i], target) == 0)
            return true;
    return false;
}

static const char *requested_target(const struct planner *p, size_t i)
{
    const char *name = json_string_value(json_array_get(p->j->spec.notifications, i));
    return name != NULL ? name : "";
}

static bool is_requested(const struct planner *p, const char *target)
{
    for (size_t i = 0; i < json_array_size(p->j->spec.notifications); i++)
        if (strcmp(requested_target(p, i), target) == 0)
            return true;
    return false;
}

static bool is_delivered(const struct planner *p, const char *target, const char *id)
{
    for (size_t i = 0; i < p->w->delivered_count; i++)
        if (strcmp(p->w->delivered[i].id, id) == 0 && strcmp(p->w->delivered[i].target, target) == 0)
            return true;
    return false;
}

/* "'ops', 'audit'" */
static const char *add_name(struct arena *a, const char *names, const char *name)
{
    return arena_printf(a, "%s%s'%s'", names, *names != '\0' ? ", " : "", name);
}

/* ---- delivered, or no longer wanted ---- */
static void remove_delivered(struct planner *p)
{
    struct job_status *s = &p->next;
    size_t kept = 0;
    for (size_t i = 0; i < s->notification_count; i++) {
        struct status_notification n = s->notifications[i];
        size_t targets = 0;
        for (size_t j = 0; j < n.target_count; j++)
            if (is_defined(p, n.targets[j]) && is_requested(p, n.targets[j]) &&
                !is_delivered(p, n.targets[j], n.id))
                n.targets[targets++] = n.targets[j];
        n.target_count = targets;
        if (targets > 0)
            s->notifications[kept++] = n;
    }
    s->notification_count = kept;
}

/* ---- new notifications ---- */

static void report_dropped(struct planner *p, const struct status_notification *n)
{
    const char *names = "";
    for (size_t i = 0; i < n->target_count; i++)
        names = add_name(p->a, names, n->targets[i]);
    planner_add_event(p, "Warning", REASON_NotificationDropped,
                      arena_printf(p->a,
                                   "Dropped notification %s, undelivered to %s: at most %d can be pending. "
                                   "To go on, see the NotificationFailed events of these targets",
                                   n->id, names, NOTIFICATIONS_MAX));
}

/* The oldest restart is dropped, as newer ones have the attempt's number; without any, the oldest
 * notification. */
static void make_room(struct planner *p)
{
    struct job_status *s = &p->next;
    size_t victim = 0;
    if (s->notification_count < NOTIFICATIONS_MAX)
        return;
    while (victim < s->notification_count && strcmp(s->notifications[victim].type, "restarted") != 0)
        victim++;
    if (victim == s->notification_count)
        victim = 0;
    report_dropped(p, &s->notifications[victim]);
    s->notification_count--;
    memmove(&s->notifications[victim], &s->notifications[victim + 1],
            (s->notification_count - victim) * sizeof(*s->notifications));
}

/* The id is the key of the list in the API, so it must be unique even when somebody has reset status.attempt.
 */
static bool is_pending(const struct job_status *s, const char *id)
{
    for (size_t i = 0; i < s->notification_count; i++)
        if (strcmp(s->notifications[i].id, id) == 0)
            return true;
    return false;
}

static void add_pending(struct planner *p, const char *type, const struct status_failure *f,
                        const char *reason, const char *message)
{
    struct status_notification n = {
        .id = arena_printf(p->a, "%s.%s.%d", p->j->uid, type, (int)p->next.attempt),
        .type = type,
        .attempt = p->next.attempt,
        .time_us = planner_now_us(p),
        .failure_class = f != NULL ? f->failure_class : "",
        .reason = reason,
        .message = text_clip(p->a, message, NOTIFICATION_MESSAGE_MAX),
    };
    for (size_t i = 0; i < json_array_size(p->j->spec.notifications); i++)
        if (is_defined(p, requested_target(p, i)) && n.target_count < NOTIFICATION_TARGETS_MAX)
            n.targets[n.target_count++] = requested_target(p, i);
    if (n.target_count == 0 || is_pending(&p->next, n.id))
        return;
    make_room(p);
    p->next.notifications[p->next.notification_count++] = n;
}

static const struct status_failure *last_failure(const struct job_status *s)
{
    return s->failure_count > 0 ? &s->failures[s->failure_count - 1] : NULL;
}

/* The failure that this run has recorded; NULL = none. */
static const struct status_failure *new_failure(const struct planner *p)
{
    const struct status_failure *before = last_failure(&p->j->status), *now = last_failure(&p->next);
    return now != NULL && (before == NULL || before->attempt != now->attempt) ? now : NULL;
}

static bool notify_start(struct planner *p)
{
    const struct job_status *before = &p->j->status;
    const struct status_failure *f = last_failure(&p->next);
    if (before->start_time_us == 0 && p->next.start_time_us != 0) {
        add_pending(p, "started", NULL, p->next.reason,
                    arena_printf(p->a, "Attempt %d has started with %d worker%s.", (int)p->next.attempt,
                                 (int)p->gang.replicas, p->gang.replicas == 1 ? "" : "s"));
        return true;
    }
    if (before->attempt == 0 || p->next.attempt <= before->attempt || f == NULL)
        return false;
    add_pending(p, "restarted", f, f->reason,
                arena_printf(p->a, "Attempt %d has started after attempt %d failed: %s", (int)p->next.attempt,
                             (int)f->attempt, f->message));
    return true;
}

static bool notify_security_failure(struct planner *p)
{
    const struct status_failure *f = new_failure(p);
    if (f == NULL || strcmp(f->failure_class, failure_class_name(CLASS_Security)) != 0)
        return false;
    add_pending(p, "security", f, f->reason, f->message);
    return true;
}

static bool notify_end(struct planner *p)
{
    const struct status_failure *f = last_failure(&p->next);
    if (status_is_finished(&p->j->status) || !status_is_finished(&p->next))
        return false;
    if (p->next.phase == PHASE_SUCCEEDED)
        add_pending(p, "succeeded", NULL, p->next.reason, p->next.message);
    else
        add_pending(p, "failed", f != NULL && f->attempt == p->next.attempt ? f : NULL, p->next.reason,
                    p->next.message);
    return true;
}

static void report_unknown_targets(struct planner *p)
{
    const char *names = "";
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(p->j->spec.notifications); i++) {
        if (is_defined(p, requested_target(p, i)))
            continue;
        names = add_name(p->a, names, requested_target(p, i));
        count++;
    }
    if (count > 0)
        planner_add_event(p, "Warning", REASON_NotificationTargetUnknown,
                          arena_printf(p->a,
                                       "spec.notifications names %s, which %s not defined in the chart value "
                                       "notifications.targets; %s nothing. To go on, correct "
                                       "spec.notifications, or define the target there",
                                       names, count == 1 ? "is" : "are",
                                       count == 1 ? "it receives" : "they receive"));
}

void plan_notify(struct planner *p)
{
    remove_delivered(p);
    bool is_started = notify_start(p), is_security = notify_security_failure(p), is_ended = notify_end(p);
    if (is_started || is_security || is_ended)
        report_unknown_targets(p);
}
