/* The API server: objects, watches, and what it makes of an operator's requests. */
#include <string.h>

#include "sim.h"

#include "base/banned.h"

/* A watch lags by as much as its buffer holds. */
void tell_pod(struct state *s, struct pod p)
{
    for (size_t i = 0; i < s->ops_used; i++) {
        struct oper *o = &s->ops[i];
        if (o->calls[CACHE_PODS] < CALL_ANSWER)
            continue;
        if (o->pods_queued == POD_QUEUE)
            operator_see_pod(s, o);
        o->pod_queue[o->pods_queued++] = p;
        while (!scenarios[s->scenario].is_lagging && o->pods_queued)
            operator_see_pod(s, o);
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

void remove_policy(struct state *s, size_t job)
{
    for (size_t i = 0; i < s->ops_used; i++) {
        struct oper *o = &s->ops[i];
        if (o->calls[CACHE_POLICIES] == CALL_WATCH && o->policies[job].number != s->policies[job].number)
            o->policies_missed[job] = s->policies[job];
    }
    s->policies[job] = (struct policy){0};
}

void remove_service(struct state *s)
{
    for (size_t i = 0; i < s->ops_used; i++) {
        struct oper *o = &s->ops[i];
        if (o->calls[CACHE_SERVICES] == CALL_WATCH && o->service.number != s->service.number)
            o->service_missed = s->service;
    }
    s->service = (struct service){0};
}

struct pod *pod_named(struct pod *pods, uint8_t attempt, uint8_t index)
{
    for (size_t i = 0; i < PODS && pods[i].number; i++)
        if (pods[i].attempt == attempt && pods[i].index == index)
            return &pods[i];
    return NULL;
}

void put_pod(struct pod pods[PODS], struct pod p)
{
    size_t at = 0, end = 0;
    while (end < PODS - 1 && pods[end].number)
        end++;
    while (at < end &&
           (pods[at].attempt < p.attempt || (pods[at].attempt == p.attempt && pods[at].index < p.index)))
        at++;
    memmove(&pods[at + 1], &pods[at], (end - at) * sizeof(p));
    pods[at] = p;
}

static void insert_pod(struct state *s, struct pod p)
{
    put_pod(s->pods, p);
    tell_pod(s, p);
}

void job_changed(struct state *s)
{
    s->job.version = ++s->last_version;
    for (size_t i = 0; i < s->ops_used; i++) {
        struct oper *o = &s->ops[i];
        if (o->calls[CACHE_JOBS] < CALL_ANSWER)
            continue;
        if (o->jobs_queued == JOB_QUEUE)
            operator_see_job(s, o);
        o->job_queue[o->jobs_queued++] = s->job;
        while (!scenarios[s->scenario].is_lagging && o->jobs_queued)
            operator_see_job(s, o);
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
    *ret_number = s->job.version;
    *ret_law = law_of_status(s, status_of(s->job.status), status_of(w->status));
    s->job.status = w->status;
    job_changed(s);
    *ret_number = s->job.version;
    return REPLY_OK;
}

/* Others want the same: when the first worker of an attempt has come, they have taken the rest. */
static void take_rest_of_quota(struct state *s, uint8_t attempt)
{
    int count = 0;
    for (size_t i = 0; i < PODS && s->pods[i].number; i++)
        count += s->pods[i].job == s->job.number && s->pods[i].attempt == attempt;
    if (s->job.variant & WITH_SMALL_QUOTA && count == 1)
        s->is_quota_full = true;
}

static enum reply serve_pod(struct state *s, const struct simwrite *w, const struct simjob *base,
                            uint16_t *ret_number, const char **ret_law)
{
    const struct pod *there = pod_named(s->pods, w->attempt, w->index);
    if (there != NULL) {
        *ret_number = there->number;
        return there->job == base->number ? REPLY_OK : REPLY_EXISTS;
    }
    if (s->is_quota_full)
        return REPLY_REFUSED;
    *ret_law = law_of_create(s, w, base);
    insert_pod(s, (struct pod){.number = ++s->last_number,
                               .job = base->number,
                               .attempt = w->attempt,
                               .index = w->index,
                               .created_s = (uint16_t)(s->ms / 1000),
                               .group = w->group,
                               .flags = w->group ? POD_GATED | POD_HELD : 0});
    *ret_number = s->last_number;
    take_rest_of_quota(s, w->attempt);
    const struct pod *made = pod_named(s->pods, w->attempt, w->index);
    if (*ret_law == NULL && made != NULL && made->group && !s->ghost.was_late &&
        kueue_counted(s, made) > REPLICAS)
        *ret_law = "Kueue deletes a worker as excess: one that it replaces still counts";
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

/* By force, the object goes at once, whatever becomes of its containers. A grace can only become shorter. */
void begin_deletion(struct state *s, struct pod *p, uint8_t grace)
{
    uint16_t leaves_s = (uint16_t)(s->ms / 1000 + (grace == OWN_GRACE ? GRACE_S : grace));
    bool is_held = p->flags & POD_HELD;
    if ((!p->node || grace == 0) && !is_held) {
        remove_pod(s, p);
    } else if (grace == 0) {
        p->flags |= POD_DELETING | POD_FORCED;
        tell_pod(s, *p);
    } else if (!(p->flags & POD_DELETING) || leaves_s < p->leaves_s) {
        p->flags |= POD_DELETING;
        p->leaves_s = leaves_s;
        tell_pod(s, *p);
    }
}

/* Gone, or a namesake: as good as done. */
static enum reply serve_delete(struct state *s, const struct simwrite *w, uint16_t *ret_number,
                               const char **ret_law)
{
    struct pod *p = pod_named(s->pods, w->attempt, w->index);
    *ret_number = w->number;
    if (p == NULL || p->number != w->number)
        return REPLY_OK;
    *ret_law = law_of_delete(s, w, p);
    begin_deletion(s, p, w->grace);
    return REPLY_OK;
}

static enum reply serve_end_of_group(struct state *s, const struct simwrite *w, uint16_t *ret_number)
{
    struct pod *p = pod_named(s->pods, w->attempt, w->index);
    *ret_number = w->number;
    if (p == NULL || p->number != w->number)
        return REPLY_NOT_FOUND;
    p->flags |= POD_GROUP_OVER;
    tell_pod(s, *p);
    return REPLY_OK;
}

static enum reply serve_service_delete(struct state *s, const struct simwrite *w, uint16_t *ret_number,
                                       const char **ret_law)
{
    *ret_number = w->number;
    if (s->service.number != w->number)
        return REPLY_OK;
    *ret_law = law_of_delete(s, w, NULL);
    remove_service(s);
    return REPLY_OK;
}

static enum reply serve_policy_delete(struct state *s, const struct simwrite *w, const struct simjob *base,
                                      uint16_t *ret_number, const char **ret_law)
{
    *ret_number = w->number;
    if (s->policies[base->number - 1].number != w->number)
        return REPLY_OK;
    *ret_law = law_of_delete(s, w, NULL);
    remove_policy(s, base->number - 1u);
    return REPLY_OK;
}

enum reply serve(struct state *s, const struct simwrite *w, const struct simjob *base, uint16_t *ret_number,
                 const char **ret_law)
{
    switch ((enum action_kind)w->kind) {
    case ACTION_CONFIRM_JOB:
        *ret_number = s->job.version;
        return s->job.number == base->number && s->job.version == base->version ? REPLY_OK : REPLY_CONFLICT;
    case ACTION_SET_STATUS: return serve_status(s, w, base, ret_number, ret_law);
    case ACTION_CREATE_SERVICE: return serve_service(s, base, ret_number);
    case ACTION_CREATE_POLICY: return serve_policy(s, base, ret_number);
    case ACTION_UPDATE_POLICY: return serve_policy_update(s, w, base, ret_number);
    case ACTION_CREATE_POD: return serve_pod(s, w, base, ret_number, ret_law);
    case ACTION_DELETE_POD: return serve_delete(s, w, ret_number, ret_law);
    case ACTION_DELETE_SERVICE: return serve_service_delete(s, w, ret_number, ret_law);
    case ACTION_DELETE_POLICY: return serve_policy_delete(s, w, base, ret_number, ret_law);
    case ACTION_END_GROUP: return serve_end_of_group(s, w, ret_number);
    case ACTION_ASK_AUTOSCALER:
    case ACTION_EVENT:
    case ACTION_WAKE_AT: break;
    }
    return REPLY_OK;
}
