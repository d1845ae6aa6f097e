/* The search breadth first. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "sim.h"

#include "base/banned.h"

enum { SLOTS = 1 << 20, TRACE = 96, FAIR_EVERY = 97 };

/* ---- the hash: states that differ in times, versions and uids only are one ---- */

struct renaming {
    uint8_t number_of[256];
    uint8_t count;
};

static void rename_one(struct renaming *r, uint8_t *number)
{
    if (*number && !r->number_of[*number])
        r->number_of[*number] = ++r->count;
    *number = r->number_of[*number];
}

static void rename_pods(struct renaming *r, struct pod *pods, size_t n, uint32_t now_ms)
{
    for (size_t i = 0; i < n && pods[i].number; i++) {
        rename_one(r, &pods[i].number);
        /* Of the moments only this matters: whether a part of a gang waits for long, whether a failure has
         * settled. */
        pods[i].created_s = pods[i].created_s + (uint32_t)HOLD_S > now_ms / 1000;
        pods[i].finished_s = pods[i].finished_s && pods[i].finished_s + 15u > now_ms / 1000;
        if (pods[i].leaves_s)
            pods[i].leaves_s = pods[i].leaves_s > now_ms / 1000                       ? 1
                               : pods[i].leaves_s + (uint32_t)FORCE_S > now_ms / 1000 ? 2
                                                                                      : 3;
    }
}

static void smooth_job(struct simjob *j, uint16_t current, uint32_t now_ms)
{
    const struct job_status *status = status_of(j->status);
    bool waits = status->backoff_until_us > SIM_EPOCH_US + now_ms * INT64_C(1000);
    j->status = status_shape(j->status) ^ (waits ? 1u : 0u);
    j->version = j->version == current;
}

static uint16_t policy_version(const struct oper *o)
{
    return o->job.number ? o->policies[o->job.number - 1].version : 0;
}

/* Of versions, only whether they are the newest counts. */
static void smooth_policies(struct renaming *r, struct policy *policies, const struct policy *now)
{
    for (size_t i = 0; i < JOBS; i++) {
        policies[i].version = policies[i].version == now[i].version;
        rename_one(r, &policies[i].number);
    }
}

static void smooth_operator(struct oper *o, const struct state *s, struct renaming *r)
{
    for (size_t i = 0; i < o->expect_count; i++) {
        struct simexpect *e = &o->expects[i];
        e->since_ms = o->fresh_ms[e->cache] > e->since_ms ? 1 : o->asked_ms[e->cache] > e->since_ms ? 2 : 0;
        e->version = e->version > (e->cache == CACHE_POLICIES ? policy_version(o) : o->job.version);
        rename_one(r, &e->number);
    }
    memset(o->fresh_ms, 0, sizeof(o->fresh_ms));
    memset(o->taken_ms, 0, sizeof(o->taken_ms));
    memset(o->asked_ms, 0, sizeof(o->asked_ms));
    memset(o->made, 0, sizeof(o->made));
    memset(o->stopped, 0, sizeof(o->stopped));
    memset(o->unknown_ms, 0, sizeof(o->unknown_ms));
    o->last_version = 0;
    o->wake_ms = o->wake_ms ? 1 : 0;
    o->status_ms = o->status_ms && o->status_ms + STATUS_PAUSE_MS > s->ms;
    o->refused_ms = 0;
    o->listed_for = o->listed_for == o->job.version;
    smooth_job(&o->job, s->job.version, s->ms);
    smooth_job(&o->job_answer, s->job.version, s->ms);
    smooth_job(&o->base, s->job.version, s->ms);
    for (size_t i = 0; i < o->jobs_queued; i++)
        smooth_job(&o->job_queue[i], s->job.version, s->ms);
    rename_pods(r, o->pods, PODS, s->ms);
    rename_pods(r, o->pods_answer, PODS, s->ms);
    rename_pods(r, o->pod_queue, o->pods_queued, s->ms);
    rename_pods(r, o->departed, o->departed_count, s->ms);
    rename_one(r, &o->service.number);
    smooth_policies(r, o->policies, s->policies);
    smooth_policies(r, o->policies_missed, s->policies);
    rename_one(r, &o->service_missed.number);
    for (size_t i = 0; i < o->write_count; i++) {
        uint8_t job = o->base.number;
        o->writes[i].version = job && o->writes[i].version == s->policies[job - 1].version;
        rename_one(r, &o->writes[i].number);
        o->writes[i].status = status_shape(o->writes[i].status);
    }
}

static uint64_t hash_bytes(const void *bytes, size_t size)
{
    uint64_t h = UINT64_C(0x9e3779b97f4a7c15), word = 0;
    const unsigned char *b = bytes;
    for (size_t i = 0; i < size; i += sizeof(word)) {
        size_t n = size - i < sizeof(word) ? size - i : sizeof(word);
        word = 0;
        memcpy(&word, b + i, n);
        h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
        h ^= h >> 32;
    }
    return h * UINT64_C(0xc4ceb9fe1a85ec53) ^ (h >> 29);
}

uint64_t state_hash(const struct state *s)
{
    struct renaming r = {0};
    struct state c;
    memcpy(&c, s, sizeof(c)); /* with the padding, which is hashed as well and always zero */
    c.ms = 0;
    c.last_number = 0;
    c.last_version = 0;
    rename_pods(&r, c.pods, PODS, s->ms);
    rename_one(&r, &c.service.number);
    smooth_policies(&r, c.policies, s->policies);
    for (size_t i = 0; i < c.ops_used; i++)
        smooth_operator(&c.ops[i], s, &r);
    rename_one(&r, &c.orphan.number);
    c.orphan.version =
        c.orphan_base.number && c.orphan.version == s->policies[c.orphan_base.number - 1].version;
    c.ghost.rewrites = 0;
    c.orphan.status = status_shape(c.orphan.status);
    smooth_job(&c.orphan_base, s->job.version, s->ms);
    smooth_job(&c.job, s->job.version, s->ms);
    return hash_bytes(&c, sizeof(c));
}

/* ---- breadth first ---- */

struct node {
    struct state state;
    struct choice trace[TRACE];
    uint8_t depth;
};

struct frontier {
    struct seen *seen;   /* in this search, whatever others have seen */
    struct node **nodes; /* a ring */
    size_t capacity, first, count;
};

static void push(struct frontier *f, const struct node *n)
{
    if (f->count == f->capacity)
        return;
    struct node *copy = xmalloc(sizeof(*copy));
    memcpy(copy, n, sizeof(*copy));
    f->nodes[(f->first + f->count++) % f->capacity] = copy;
}

static struct node *pop(struct frontier *f)
{
    struct node *n = f->nodes[f->first];
    f->first = (f->first + 1) % f->capacity;
    f->count--;
    return n;
}

static void report(const struct node *n, const char *law, bool is_fair)
{
    struct state s;
    state_init(&s, n->state.scenario);
    printf("VIOLATION: %s\nSCENARIO %s\n", law, scenarios[s.scenario].name);
    for (size_t i = 0; i < n->depth; i++) {
        choice_print(stdout, &s, n->trace[i]);
        (void)step(&s, n->trace[i]);
    }
    if (is_fair)
        (void)run_fairly(&s, 1, NULL, stdout);
}

static const char *try_fairly(const struct node *n, struct seen *seen)
{
    struct state s;
    memcpy(&s, &n->state, sizeof(s));
    return run_fairly(&s, 1, seen, NULL);
}

/* False when a law was broken. */
static bool expand(struct node *n, struct frontier *f, struct seen *seen, uint64_t *found)
{
    struct choice choices[CHOICES];
    size_t count = choices_of(&n->state, true, choices);
    for (size_t i = 0; i < count; i++) {
        struct node next;
        memcpy(&next, n, sizeof(next));
        next.trace[next.depth++] = choices[i];
        const char *law = step(&next.state, choices[i]);
        uint64_t hash = law != NULL ? 0 : state_hash(&next.state);
        bool is_new = law == NULL && seen_add(f->seen, hash);
        if (is_new)
            (void)seen_add(seen, hash);
        bool is_fair = is_new && ++*found % FAIR_EVERY == 0;
        if (is_fair)
            law = try_fairly(&next, seen);
        if (law != NULL) {
            report(&next, law, is_fair);
            return false;
        }
        if (is_new && next.depth < TRACE)
            push(f, &next);
    }
    return true;
}

bool explore(uint8_t scenario, uint64_t most, struct seen *seen)
{
    struct frontier f = {.capacity = most, .seen = seen_new(SLOTS)};
    struct node *n = xcalloc(1, sizeof(*n));
    bool is_well = true;
    uint64_t found = 0;
    int depth = 0;
    if (f.seen == NULL)
        abort();
    f.nodes = xcalloc(f.capacity, sizeof(struct node *));
    state_init(&n->state, scenario);
    push(&f, n);
    free(n);
    while (f.count && is_well && found < most) {
        n = pop(&f);
        depth = n->depth;
        is_well = expand(n, &f, seen, &found);
        free(n);
    }
    printf("  breadth first  %-14s %9llu states, %s %d steps deep\n", scenarios[scenario].name,
           (unsigned long long)found, f.count ? "the first, up to" : "all,", depth);
    while (f.count)
        free(pop(&f));
    free(f.nodes);
    seen_free(f.seen);
    statuses_forget();
    objects_forget();
    return is_well;
}
