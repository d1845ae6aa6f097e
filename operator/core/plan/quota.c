/*
 * All workers or none. A gang of which a quota lets in a part would hold that part while it waits for the
 * rest, and two such gangs could wait for one another for ever. So the part is given back after a while and
 * the gang asked for anew, after a pause that grows, and that is another one for each job: then one of them
 * gets through.
 */
#include "core/plan/planner_int.h"

#include <string.h>

#include "data/skim.h"

#include "base/banned.h"

/* As long as schedulers wait for the rest of a group. */
#define HOLD_SECONDS        60
#define PAUSE_FIRST_SECONDS INT64_C(10)

/* Since when the attempt holds what it has got; 0 = it holds nothing, or some worker of it ends already. */
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
        planner_wake_at(p, at_us, "what a quota has let in is given back");
        return false;
    }
    *ret = verdict_make(p->a, NULL, REASON_GangIncomplete,
                        "of %d workers the quota of namespace %s has let in %d within %d seconds, and what "
                        "they take is given back for others to use: %s",
                        (int)p->gang.replicas, p->j->ns, (int)present, HOLD_SECONDS, r->message);
    return true;
}

/* How many attempts in a row were given back, the last one among them; as far as the status remembers. */
static size_t releases_in_a_row(const struct job_status *s)
{
    size_t before = s->failure_count;
    while (before > 0 && strcmp(s->failures[before - 1].reason, REASON_GangIncomplete) == 0)
        before--;
    return s->failure_count - before;
}

/* By chance, and the same for whoever decides: jobs that gave back together must not come back together. */
void plan_back_off_after_release(struct planner *p)
{
    int64_t seconds = PAUSE_FIRST_SECONDS << (releases_in_a_row(&p->next) - 1);
    uint64_t chance = skim_hash_mix(skim_hash_text(view_from(p->j->uid)) + (uint64_t)p->next.attempt);
    seconds += (int64_t)(chance % (uint64_t)(2 * seconds + 1));
    p->next.backoff_until_us = planner_now_us(p) + seconds * SECOND_US;
}
