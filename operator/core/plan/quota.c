/*
 * All workers or none. When a ResourceQuota admits only a part of a gang, that part holds capacity while it
 * waits for the rest, and two such gangs can deadlock. So a partial gang is released after a while and
 * created again after a random pause that grows and differs between jobs, until one of them gets through.
 */
#include "core/plan/planner_int.h"

#include <string.h>

#include "data/skim.h"

#include "base/banned.h"

/* As long as gang schedulers usually wait for the rest of a group. */
#define HOLD_SECONDS        60
#define PAUSE_FIRST_SECONDS INT64_C(10)

/* Since when the attempt has held its first worker; 0 = it has none, or a worker is stopping already. */
static int64_t held_since(const struct planner *p)
{
    int64_t since_us = 0;
    for (int32_t i = 0; i < p->gang.replicas; i++) {
        const struct pod_facts *pod = p->gang.workers[i];
        if (pod == NULL)
            continue;
        if (pod_is_terminal(pod) || pod->is_deleting)
            return 0;
        if (since_us == 0 || pod->created_us < since_us)
            since_us = pod->created_us;
    }
    return since_us;
}

bool plan_release_partial_gang(struct planner *p, struct verdict *ret)
{
    const struct refusal *r = refusal_of_attempt(&p->w->refusal, p->gang.attempt);
    int32_t present = gang_present(&p->gang);
    int64_t since_us = held_since(p);
    if (r == NULL || refusal_cause(r) != REFUSAL_QUOTA || since_us == 0 || present == p->gang.replicas)
        return false;
    int64_t at_us = since_us + HOLD_SECONDS * SECOND_US;
    if (at_us > p->w->now_us) {
        planner_wake_at(p, at_us, "end of the hold time of a partial gang");
        return false;
    }
    *ret = verdict_make(
        p->a, NULL, REASON_GangIncomplete,
        "only %d of %d workers fit the quota of namespace %s within %d s; releasing them so that "
        "other jobs can use the capacity: %s",
        (int)present, (int)p->gang.replicas, p->j->ns, HOLD_SECONDS, r->message);
    return true;
}

/* How many attempts in a row were released, including the last one, as far as the status lists them. */
static size_t releases_in_a_row(const struct job_status *s)
{
    size_t before = s->failure_count;
    while (before > 0 && strcmp(s->failures[before - 1].reason, REASON_GangIncomplete) == 0)
        before--;
    return s->failure_count - before;
}

/* Jobs that were released together must not return together. Random by job and attempt, so that every
 * operator computes the same. */
void plan_back_off_after_release(struct planner *p)
{
    int64_t seconds = PAUSE_FIRST_SECONDS << (releases_in_a_row(&p->next) - 1);
    uint64_t chance = skim_hash_mix(skim_hash_text(view_from(p->j->uid)) + (uint64_t)p->next.attempt);
    seconds += (int64_t)(chance % (uint64_t)(2 * seconds + 1));
    p->next.backoff_until_us = planner_now_us(p) + seconds * SECOND_US;
}
