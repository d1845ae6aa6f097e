/* What an operator's lists and watches bring, late, broken off, twice and out of order. */
#include <string.h>

#include "operator.h"
#include "rig.h"

#include "base/banned.h"

enum { OBJECT_MAX = 4096 };

/* Of two pods of one name, the one that was shown later counts. */
static void note_lost(struct oper *o)
{
    for (size_t i = 0; i < PODS && o->pods[i].number; i++) {
        const struct pod *p = &o->pods[i];
        uint8_t bit = (uint8_t)(1 << p->index);
        if (p->job != o->job.number || p->attempt >= ATTEMPTS)
            continue;
        if (p->disruption == D_POD_GC)
            o->seen_lost[p->attempt] |= bit;
        else
            o->seen_lost[p->attempt] &= (uint8_t)~bit;
    }
}

void operator_take_list(const struct state *s, struct oper *o, enum cache cache)
{
    (void)rig_up(s, o, CACHE_COUNT);
    for (enum cache i = 0; i < CACHE_COUNT; i++)
        if (cache == OTHER_CACHES ? i != CACHE_JOBS && i != CACHE_PODS && o->calls[i] == CALL_LIST
                                  : i == cache)
            rig_list(i);
    rig_down();
    o->taken_ms[cache] = s->ms;
    for (enum cache i = 0; cache == OTHER_CACHES && i < CACHE_COUNT; i++)
        if (i != CACHE_JOBS && i != CACHE_PODS)
            o->taken_ms[i] = s->ms;
    if (cache == OTHER_CACHES) {
        o->service_missed = (struct service){0};
        memset(o->policies_missed, 0, sizeof(o->policies_missed));
    }
    if (cache == CACHE_JOBS)
        o->job_answer = (struct simjob){0};
    else if (cache == CACHE_PODS)
        memset(o->pods_answer, 0, sizeof(o->pods_answer));
    note_lost(o);
}

/* What the server finds is fixed when it answers; how old it is when it comes, nobody knows. */
static void serve_list(const struct state *s, struct oper *o, enum cache cache)
{
    o->calls[cache] = CALL_ANSWER;
    if (cache == CACHE_JOBS)
        o->job_answer = s->job;
    else
        memcpy(o->pods_answer, s->pods, sizeof(o->pods_answer));
}

static void take_event(const struct state *s, struct oper *o, enum cache cache, bool is_gone,
                       struct strbuf *object)
{
    (void)rig_up(s, o, cache);
    rig_event(cache, is_gone ? "DELETED" : "MODIFIED", strbuf_text(object));
    rig_down();
    strbuf_fini(object);
}

void operator_see_job(const struct state *s, struct oper *o)
{
    if (o->calls[CACHE_JOBS] == CALL_ANSWER)
        operator_take_list(s, o, CACHE_JOBS);
    struct strbuf text = STRBUF(OBJECT_MAX);
    struct simjob event = o->job_queue[0];
    o->jobs_queued--;
    memmove(o->job_queue, o->job_queue + 1, o->jobs_queued * sizeof(o->job_queue[0]));
    memset(&o->job_queue[o->jobs_queued], 0, sizeof(o->job_queue[0]));
    wire_job(&text, &event);
    take_event(s, o, CACHE_JOBS, event.number == 0, &text);
}

static void see_pod(const struct state *s, struct oper *o, bool stays)
{
    struct strbuf text = STRBUF(OBJECT_MAX);
    struct pod event = o->pod_queue[0];
    if (!stays) {
        o->pods_queued--;
        memmove(o->pod_queue, o->pod_queue + 1, o->pods_queued * sizeof(event));
        memset(&o->pod_queue[o->pods_queued], 0, sizeof(event));
    }
    wire_pod(&text, &event);
    take_event(s, o, CACHE_PODS, event.flags & POD_GONE, &text);
    note_lost(o);
}

void operator_see_pod(const struct state *s, struct oper *o)
{
    if (o->calls[CACHE_PODS] == CALL_ANSWER)
        operator_take_list(s, o, CACHE_PODS);
    see_pod(s, o, false);
}

/* One event: what came and went meanwhile has two, and what was there goes before what is there now comes. */
static void see_service(const struct state *s, struct oper *o)
{
    struct strbuf text = STRBUF(OBJECT_MAX);
    bool is_gone = o->service.number != 0;
    bool is_missed = !is_gone && o->service_missed.number != 0;
    wire_service(&text, is_gone ? &o->service : is_missed ? &o->service_missed : &s->service);
    if (is_missed)
        o->service_missed = (struct service){0};
    take_event(s, o, CACHE_SERVICES, is_gone, &text);
}

/* As for the Service. */
static void see_policy(const struct state *s, struct oper *o)
{
    struct strbuf text = STRBUF(OBJECT_MAX);
    size_t i = 0;
    while (!o->policies_missed[i].number &&
           memcmp(&o->policies[i], &s->policies[i], sizeof(s->policies[i])) == 0)
        i++;
    bool is_gone = o->policies[i].number != 0 && o->policies[i].number != s->policies[i].number;
    bool is_missed = !is_gone && o->policies_missed[i].number != 0;
    wire_policy(&text, is_gone ? &o->policies[i] : is_missed ? &o->policies_missed[i] : &s->policies[i], i);
    if (is_missed)
        o->policies_missed[i] = (struct policy){0};
    take_event(s, o, CACHE_POLICIES, is_gone, &text);
}

static void see_node(const struct state *s, struct oper *o)
{
    struct strbuf text = STRBUF(OBJECT_MAX);
    size_t i = 0;
    while (memcmp(&o->nodes[i], &s->nodes[i], sizeof(o->nodes[i])) == 0)
        i++;
    wire_node(&text, &s->nodes[i], i);
    take_event(s, o, CACHE_NODES, !s->nodes[i].exists, &text);
}

static void swap_events(struct oper *o)
{
    struct pod first = o->pod_queue[0];
    o->pod_queue[0] = o->pod_queue[1];
    o->pod_queue[1] = first;
}

static void break_watch(const struct state *s, struct oper *o, enum cache cache)
{
    (void)rig_up(s, o, CACHE_COUNT);
    rig_forget_queue(o, cache);
    rig_end_watch(cache, true);
    rig_down();
}

static void start(const struct state *s, struct oper *o)
{
    o->is_up = true;
    (void)rig_up(s, o, CACHE_COUNT);
    rig_down();
}

void operator_watch_step(const struct state *s, struct oper *o, struct choice c)
{
    switch ((int)c.kind) {
    case START_OPERATOR: start(s, o); break;
    case SERVE_LIST: serve_list(s, o, (enum cache)c.arg); break;
    case TAKE_LIST: operator_take_list(s, o, (enum cache)c.arg); break;
    case SEE_JOB: operator_see_job(s, o); break;
    case SEE_POD: operator_see_pod(s, o); break;
    case SEE_SERVICE: see_service(s, o); break;
    case SEE_POLICY: see_policy(s, o); break;
    case SEE_NODE: see_node(s, o); break;
    case WATCH_BREAKS: break_watch(s, o, (enum cache)c.arg); break;
    case EVENT_COMES_AGAIN: see_pod(s, o, true); break;
    default: swap_events(o); break;
    }
}
