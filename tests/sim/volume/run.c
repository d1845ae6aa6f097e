#include "run.h"

#include <stdio.h>
#include <string.h>

#include "laws.h"

#include "base/banned.h"

enum { COMMIT_MS = 10 * 1000, TICK_MS = 1000, PATIENCE_MS = 4 * 3600 * 1000 };

/* ---- what the agent does ---- */
static void hear(struct run *r)
{
    for (; r->done < r->program.count && r->program.acts[r->done].at_ms <= r->now_ms; r->done++) {
        const struct act *a = &r->program.acts[r->done];
        if (r->is_verbose)
            printf("%8lld act %d %s %s\n", (long long)a->at_ms, (int)a->kind, a->path, a->to);
        (void)volume_apply(r->volume, &(struct change){a->kind, a->path, a->to, a->is_directory, a->at_ms});
    }
}

/* Reading takes its time, in which the program goes on; the agent hears of that before it believes what it
 * read. */
static void read_one(struct run *r, struct version *v)
{
    const struct life *l = history_at(&r->history, v->path, r->done);
    (void)version_share(v);
    r->now_ms += 1 + roll(&r->dice, r->slow_ms);
    hear(r);
    if (v->state == VERSION_UNREAD) {
        v->state = VERSION_READ;
        v->object = object_of(l);
    }
    version_release(v);
    volume_were_read(r->volume, r->now_ms);
}

static void show(const struct run *r, const struct listing *l)
{
    printf("%8lld commit %s %s\n", (long long)r->now_ms, l->is_declared ? "declared" : "settled", l->name);
    for (size_t i = 0; i < l->count; i++)
        printf("         %s\n", l->items[i].path);
}

static void commit(struct run *r, const struct listing *l)
{
    r->commits++;
    r->committed_ms = r->now_ms;
    if (r->is_verbose)
        show(r, l);
    laws_of_commit(r, l);
    if (l->is_declared)
        (void)snprintf(r->declared, sizeof(r->declared), "%s", l->name);
    volume_committed(r->volume);
}

/* ---- what the world does ---- */
/* The kernel closes what a process held open. */
static void close_all(struct run *r)
{
    for (size_t i = 0; i < r->program.count; i++) {
        const struct act *a = &r->program.acts[i];
        if (a->kind == CHANGE_WRITTEN && history_at(&r->history, a->path, r->program.count) == NULL)
            (void)volume_apply(r->volume, &(struct change){CHANGE_CLOSED, a->path, NULL, false, r->now_ms});
    }
}

static void end(struct run *r)
{
    close_all(r);
    volume_end(r->volume, r->is_success, r->now_ms);
    r->has_ended = true;
}

/* The agent looks each second, and often wakes at a change. */
static void let_time_pass(struct run *r)
{
    int64_t next_ms = r->now_ms + TICK_MS;
    if (roll(&r->dice, 2) != 0 && r->done < r->program.count && r->program.acts[r->done].at_ms < next_ms)
        next_ms = r->program.acts[r->done].at_ms;
    if (next_ms <= r->now_ms)
        next_ms = r->now_ms + 1;
    r->now_ms = r->now_ms < r->end_ms && next_ms > r->end_ms ? r->end_ms : next_ms;
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
    return hash ^ hash >> 32;
}

/* What is in the directory and since when, what is committed, and what the agent still has to read. */
static void note_state(const struct run *r)
{
    const struct version *unread = volume_unread(r->volume);
    uint64_t hash = mix(r->has_ended, unread != NULL);
    for (const char *at = r->declared; *at != '\0'; at++)
        hash = mix(hash, (uint64_t)*at);
    for (size_t i = r->done > 40 ? r->done - 40 : 0; i < r->done; i++) {
        const struct act *a = &r->program.acts[i];
        int64_t age_ms = r->now_ms - a->at_ms;
        hash = mix(hash, (uint64_t)a->kind << 32 | (uint64_t)(age_ms > 40000 ? 400 : age_ms / 100));
        for (const char *at = a->path; *at != '\0'; at++)
            hash = mix(hash, (uint64_t)*at);
    }
    (void)seen_add(r->seen, mix(hash, (uint64_t)(r->now_ms - r->committed_ms < COMMIT_MS)));
}

/* False: it is over. */
static bool step(struct run *r)
{
    struct version *unread;
    const struct listing *due = NULL;
    hear(r);
    if (r->now_ms >= r->end_ms && !r->has_ended)
        end(r);
    if (!r->has_ended)
        volume_tick(r->volume, r->now_ms);
    note_state(r);
    if ((unread = volume_unread(r->volume)) != NULL) {
        read_one(r, unread);
        return true;
    }
    if (r->has_ended || r->now_ms - r->committed_ms >= COMMIT_MS)
        due = volume_due(r->volume, r->now_ms);
    if (due != NULL)
        commit(r, due);
    else if (r->has_ended)
        return false;
    else
        let_time_pass(r);
    return true;
}

bool run_program(struct run *r, uint64_t seed)
{
    r->dice = dice_of(seed);
    r->end_ms = 5000 + roll(&r->dice, 120000);
    r->is_success = roll(&r->dice, 4) == 0;
    r->slow_ms = roll(&r->dice, 3) == 0 ? 1 + roll(&r->dice, 6000) : 1 + roll(&r->dice, 200);
    program_make(&r->program, r->dice, r->end_ms);
    history_make(&r->history, &r->program);
    r->volume = volume_new();
    r->now_ms = 1000;
    r->committed_ms = -COMMIT_MS;
    r->done = 0;
    r->has_ended = false;
    r->declared[0] = '\0';
    r->broken = NULL;
    while (r->broken == NULL && r->now_ms < r->end_ms + PATIENCE_MS && step(r))
        ;
    law_of_the_end(r);
    volume_free(r->volume);
    return r->broken == NULL;
}
