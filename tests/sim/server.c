/* The API server: objects, watches, and what it makes of an operator's requests. */
#include <string.h>

#include "sim.h"

#include "base/banned.h"

void tell_pod(struct state *s, struct pod p)
{
    for (size_t i = 0; i < s->ops_used; i++) {
        struct oper *o = &s->ops[i];
        if (!o->is_up || o->stage < 2)
            continue;
        /* A watch lags by as much as its buffer holds. */
        if (o->pods_queued == POD_QUEUE)
            operator_see_pod(o);
        o->pod_queue[o->pods_queued++] = p;
        while (!scenarios[s->scenario].is_lagging && o->pods_queued)
            operator_see_pod(o);
    }
}

void remove_pod(struct state *s, struct pod *p)
{
    struct pod gone = *p;
    gone.flags |= POD_GONE;
    struct pod *last = p;
    while (last + 1 < s->pods + PODS && last[1].number)
        last++;
    memmove(p, p + 1, (size_t)(last - p) * sizeof(*p));
    *last = (struct pod){0};
    tell_pod(s, gone);
}

struct pod *pod_named(struct pod *pods, uint8_t attempt, uint8_t index)
{
    for (size_t i = 0; i < PODS && pods[i].number; i++)
        if (pods[i].attempt == attempt && pods[i].index == index)
            return &pods[i];
    return NULL;
}

/* By name, so that equal worlds look equal whatever led to them. */
static void insert_pod(struct state *s, struct pod p)
{
    size_t at = 0, end = 0;
    while (end < PODS - 1 && s->pods[end].number)
        end++;
    while (at < end && (s->pods[at].attempt < p.attempt ||
                        (s->pods[at].attempt == p.attempt && s->pods[at].index < p.index)))
        at++;
    memmove(&s->pods[at + 1], &s->pods[at], (end - at) * sizeof(p));
    s->pods[at] = p;
    tell_pod(s, p);
}

void job_changed(struct state *s)
{
    s->job.version = ++s->last_version;
    for (size_t i = 0; i < s->ops_used; i++) {
        struct oper *o = &s->ops[i];
        if (!o->is_up || o->stage < 1)
            continue;
        if (o->jobs_queued == JOB_QUEUE)
            operator_see_job(o);
        o->job_queue[o->jobs_queued++] = s->job;
        while (!scenarios[s->scenario].is_lagging && o->jobs_queued)
            operator_see_job(o);
    }
}

/* ---- requests of an operator ---- */

static enum reply serve_status(struct state *s, const struct simwrite *w, const struct simjob *base,
                               uint16_t *ret_number, const char **ret_law)
{
    if (s->job.number != base->number)
        return REPLY_NOT_FOUND;
    if (s->job.version != base->version)
        return REPLY_CONFLICT;
    *ret_law = law_of_status(s, status_of(s->job.status), status_of(w->status));
    s->job.status = w->status;
    job_changed(s);
    *ret_number = s->job.version;
    return REPLY_OK;
}

static enum reply serve_pod(struct state *s, const struct simwrite *w, const struct simjob *base,
                            uint16_t *ret_number, const char **ret_law)
{
    const struct pod *there = pod_named(s->pods, w->attempt, w->index);
    if (there) {
        *ret_number = there->number;
        return there->job == base->number ? REPLY_OK : REPLY_EXISTS;
    }
    *ret_law = law_of_create(s, w, base);
    insert_pod(
        s, (struct pod){
               .number = ++s->last_number, .job = base->number, .attempt = w->attempt, .index = w->index});
    *ret_number = s->last_number;
    return REPLY_OK;
}

static enum reply serve_service(struct state *s, const struct simjob *base, uint16_t *ret_number)
{
    if (!s->service.number)
        s->service = (struct service){++s->last_number, base->number};
    *ret_number = s->service.number;
    return s->service.job == base->number ? REPLY_OK : REPLY_EXISTS;
}

static enum reply serve_policy(struct state *s, const struct simjob *base, uint16_t *ret_number)
{
    struct policy *p = &s->policies[base->number - 1];
    if (!p->number)
        *p = (struct policy){.number = ++s->last_number, .version = ++s->last_version};
    *ret_number = p->number;
    return REPLY_OK;
}

static enum reply serve_policy_update(struct state *s, const struct simwrite *w, const struct simjob *base,
                                      uint16_t *ret_number)
{
    struct policy *p = &s->policies[base->number - 1];
    if (!p->number)
        return REPLY_NOT_FOUND;
    if (p->version != w->version)
        return REPLY_CONFLICT;
    p->attempt = w->attempt;
    *ret_number = p->version = ++s->last_version;
    return REPLY_OK;
}

void begin_deletion(struct state *s, struct pod *p)
{
    if (!p->node) {
        remove_pod(s, p);
    } else if (!(p->flags & POD_DELETING)) {
        p->flags |= POD_DELETING;
        tell_pod(s, *p);
    }
}

static enum reply serve_delete(struct state *s, const struct simwrite *w, uint16_t *ret_number)
{
    struct pod *p = pod_named(s->pods, w->attempt, w->index);
    *ret_number = w->pod;
    /* Gone, or a namesake: as good as done. */
    if (p && p->number == w->pod)
        begin_deletion(s, p);
    return REPLY_OK;
}

enum reply serve(struct state *s, const struct simwrite *w, const struct simjob *base, uint16_t *ret_number,
                 const char **ret_law)
{
    switch ((enum action_kind)w->kind) {
    case ACTION_SET_STATUS: return serve_status(s, w, base, ret_number, ret_law);
    case ACTION_CREATE_SERVICE: return serve_service(s, base, ret_number);
    case ACTION_CREATE_POLICY: return serve_policy(s, base, ret_number);
    case ACTION_UPDATE_POLICY: return serve_policy_update(s, w, base, ret_number);
    case ACTION_CREATE_POD: return serve_pod(s, w, base, ret_number, ret_law);
    case ACTION_DELETE_POD: return serve_delete(s, w, ret_number);
    case ACTION_DELETE_SERVICE:
    case ACTION_DELETE_POLICY:
    case ACTION_ASK_AUTOSCALER:
    case ACTION_EVENT:
    case ACTION_WAKE_AT: break;
    }
    return REPLY_OK;
}
