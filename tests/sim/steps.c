/* Choices of everybody, by name, and what each does. */
#include <string.h>

#include "sim.h"

#include "base/banned.h"

const struct scenario scenarios[] = {
    {"calm", 1, 0, 0, true, 0},
    {"crashes", 1, 0, 3, true, 0},
    {"disruptions", 1, 2, 0, true, 0},
    {"both", 1, 1, 1, true, 0},
    {"two-operators", 2, 0, 1, true, 0},
    {"two-prompt", 2, 1, 1, false, 0},
    {"lives", 1, 2, 1, true, WITH_DEADLINE | WITH_TTL},
    {"clean", 1, 2, 1, true, WITH_CLEAN_PODS},
    {"queue", 1, 2, 1, true, WITH_QUEUE},
    {"quota", 1, 1, 1, true, WITH_SMALL_QUOTA},
    {"storm", 1, 6, 6, true, 0},
    {"storm-of-two", 2, 5, 5, true, 0},
    {"storm-of-queues", 1, 6, 4, true, WITH_QUEUE},
    {"storm-of-lives", 1, 6, 4, true, WITH_DEADLINE | WITH_TTL},
    {"storm-of-quotas", 2, 4, 4, true, WITH_SMALL_QUOTA},
    {"clean-storm-of-two", 2, 4, 4, true, WITH_TTL | WITH_CLEAN_PODS},
};
const size_t scenario_count = ARRAY_LEN(scenarios);

static const char *const names[CHOICE_KINDS] = {
    "SCHEDULE",
    "RUN_CONTAINERS",
    "GET_READY",
    "EXIT_0",
    "COMPLETE",
    "STOP_CONTAINERS",
    "REMOVE_STOPPED",
    "COLLECT",
    "NODE_BACK",
    "START_OPERATOR",
    "SERVE_LIST",
    "TAKE_LIST",
    "SEE_JOB",
    "SEE_POD",
    "SEE_SERVICE",
    "SEE_POLICY",
    "SEE_NODE",
    "PASS",
    "WRITE",
    "ORPHAN_ARRIVES",
    "QUOTA_FREES",
    "KUEUE_LIFTS_GATE",
    "KUEUE_LETS_GO",
    "WAIT",
    "EXIT_1",
    "OUT_OF_MEMORY",
    "SECURITY_FAILURE",
    "EVICT",
    "PERSON_DELETES_POD",
    "PERSON_FORCES_POD",
    "NODE_LOST",
    "TAINT_EVICTS",
    "NODE_GONE",
    "PERSON_DELETES_SERVICE",
    "PERSON_DELETES_POLICY",
    "QUOTA_FILLS",
    "KUEUE_EVICTS",
    "USER_EDITS",
    "USER_SUSPENDS_OR_RESUMES",
    "USER_DELETES_JOB",
    "USER_DELETES_FOREGROUND",
    "USER_CREATES_AGAIN",
    "CRASH",
    "WRITE_THEN_CRASH",
    "CRASH_WITH_REQUEST",
    "WRITE_FAILS",
    "WRITE_ANSWER_LOST",
    "WRITE_REFUSED",
    "WATCH_BREAKS",
    "EVENT_COMES_AGAIN",
    "EVENTS_SWAP",
    "SPURIOUS",
};

const char *choice_name(enum choice_kind kind)
{
    return names[kind];
}

bool is_trouble(enum choice_kind kind)
{
    return kind >= FIRST_WORLD_TROUBLE;
}

void state_init(struct state *s, uint8_t scenario)
{
    *s = (struct state){
        .scenario = scenario,
        .ops_used = scenarios[scenario].ops,
        .last_version = 1,
        .job = {.number = 1, .variant = scenarios[scenario].variant, .generation = 1, .version = 1}};
    for (size_t i = 0; i < NODES; i++)
        s->nodes[i] = (struct simnode){true, true};
}

/* ---- time ---- */

static bool waits(const struct state *s)
{
    for (size_t i = 0; i < s->ops_used; i++)
        if (s->ops[i].is_up && !s->ops[i].in_reconcile && (s->ops[i].wake_ms || s->ops[i].due == 2))
            return true;
    return false;
}

/* To the next moment for which somebody waits. */
static const char *wait_on(struct state *s)
{
    const char *law = NULL;
    uint32_t to = 0;
    for (size_t i = 0; i < s->ops_used && law == NULL; i++)
        law = law_of_waiting(s, &s->ops[i]);
    for (size_t i = 0; i < s->ops_used; i++) {
        const struct oper *o = &s->ops[i];
        uint32_t at = o->due == 2 ? s->ms + 1000 : o->wake_ms;
        if (o->is_up && at && (!to || at < to))
            to = at;
    }
    if (to > s->ms)
        s->ms = to;
    for (size_t i = 0; i < s->ops_used; i++) {
        struct oper *o = &s->ops[i];
        bool is_due = o->wake_ms && o->wake_ms <= s->ms;
        if (is_due)
            o->wake_ms = 0;
        if (is_due || o->due == 2)
            o->due = 1;
    }
    return law;
}

/* ---- all ---- */

size_t choices_of(const struct state *s, bool with_trouble, struct choice ret[CHOICES])
{
    size_t n = cluster_choices(s, with_trouble, ret);
    bool is_full = s->is_quota_full;
    for (uint8_t i = 0; i < s->ops_used; i++)
        n += operator_choices(s, i, with_trouble, ret + n);
    /* What others do in their own time, they do when nothing else moves. */
    bool is_still = n == 0;
    bool is_kept = s->job.variant & WITH_SMALL_QUOTA;
    if (is_full && (is_still || (with_trouble && !is_kept)))
        ret[n++] = (struct choice){.kind = QUOTA_FREES};
    /* Patience is for when nothing else moves, and for those who want to see what haste does. */
    if (waits(s) && (is_still || with_trouble))
        ret[n++] = (struct choice){.kind = WAIT};
    return n;
}

const char *step(struct state *s, struct choice c)
{
    s->ms++;
    if (c.kind >= FIRST_OPERATOR_TROUBLE)
        s->ghost.operator_faults++;
    else if (is_trouble((enum choice_kind)c.kind))
        s->ghost.world_faults++;
    if (c.kind != PASS && c.kind != WRITE && c.kind != SEE_JOB)
        s->ghost.rewrites = 0;
    if (c.kind == WAIT)
        return wait_on(s);
    bool is_operators = (c.kind >= START_OPERATOR && c.kind <= WRITE) || c.kind >= FIRST_OPERATOR_TROUBLE;
    const char *law = is_operators ? operator_step(s, c) : cluster_step(s, c);
    const char *broken = rig_broken_law();
    return broken != NULL ? broken : law;
}

void choice_print(FILE *f, const struct state *s, struct choice c)
{
    const struct job_status *now = status_of(s->job.status);
    fprintf(f, "%s %d %d", names[c.kind], c.op, c.arg);
    if (c.kind >= WRITE_THEN_CRASH || c.kind == WRITE) {
        const struct simwrite *w = &s->ops[c.op].writes[c.arg];
        fprintf(f, "  # %s %d-%d", action_kind_name((enum action_kind)w->kind), w->index, w->attempt);
        if (w->kind == ACTION_SET_STATUS)
            now = status_of(w->status);
        if (w->kind == ACTION_SET_STATUS)
            fprintf(f, ": %s/%s attempt %d restarts %d disruptions %d workers %d+%d+%d",
                    phase_name(now->phase), now->reason, now->attempt, now->restarts, now->disruptions,
                    now->workers.active, now->workers.succeeded, now->workers.failed);
    } else if (c.kind <= COLLECT || c.kind >= EXIT_1) {
        const struct pod *p = &s->pods[c.kind == SCHEDULE ? c.arg / NODES : c.arg % PODS];
        if (p->number)
            fprintf(f, "  # pod %d-%d", p->index, p->attempt);
    } else if (c.kind == SEE_POD && s->ops[c.op].pods_queued) {
        const struct pod *p = &s->ops[c.op].pod_queue[0];
        fprintf(f, "  # pod %d-%d%s", p->index, p->attempt, p->flags & POD_GONE ? " is gone" : "");
    }
    fprintf(f, "\n");
}
