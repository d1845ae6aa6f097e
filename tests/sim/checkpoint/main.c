/*
 * checkpoint_sim: the protocol of checkpoints; see world.h.
 *
 *   checkpoint_sim                      breadth first by the number of troubles, then random ones
 *   checkpoint_sim --quick              the same, for seconds
 *   checkpoint_sim --seed N [--random] [CALL KIND]...
 *                                       one run, step by step; a kind is a number of world.h
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "disk.h"
#include "os/log.h"
#include "run.h"
#include "troubles.h"

#include "base/banned.h"

enum { SLOTS = 1 << 23, STATES_LEAST = 1000000 };

struct budget {
    int seeds;       /* that are searched breadth first: one for each style */
    int singles;     /* one in so many of the runs with one trouble */
    int pairs;       /* and with two */
    int walks;       /* with troubles by chance, at most */
    uint64_t states; /* that are enough */
};
static const struct budget full = {STYLES, 1, 4001, 80000, STATES_LEAST};
static const struct budget quick = {STYLES, 7, 4001, 700, UINT64_MAX};

static int runs;

static bool report(uint64_t seed, const struct trouble_at *troubles, int count, bool is_random)
{
    printf("VIOLATION: %s\n  %s\n  checkpoint_sim --seed %llu%s", world.broken, world.where,
           (unsigned long long)seed, is_random ? " --random" : "");
    for (int i = 0; i < count; i++)
        printf(" %d %d", troubles[i].call, (int)troubles[i].kind);
    for (int i = 0; i < count; i++)
        printf("%s%s at call %d", i == 0 ? "   (" : ", ", trouble_name(troubles[i].kind), troubles[i].call);
    printf("%s\n", count > 0 ? ")" : "");
    return false;
}

static bool run_one(uint64_t seed, const struct trouble_at *troubles, int count, bool is_random)
{
    runs++;
    return run(seed, troubles, count, is_random) || report(seed, troubles, count, is_random);
}

/* The calls of a run, as far as troubles ask. */
struct calls {
    struct {
        enum call_kind kind;
        bool is_of_head;
    } * list;
    int count;
};

static struct calls calls_of_this_run(void)
{
    struct calls c = {.count = world.calls};
    c.list = xcalloc((size_t)c.count + 1, sizeof(*c.list));
    for (int i = 0; i < c.count; i++) {
        c.list[i].kind = call_kind_of(i);
        c.list[i].is_of_head = call_is_of_head(i);
    }
    return c;
}

/* The run with these troubles is over: those with one more at a later call, all or one in so many. */
static bool add_one(uint64_t seed, struct trouble_at *troubles, int count, const struct budget *b)
{
    struct calls c = calls_of_this_run();
    int fitting = 0, first = count == 0 ? 0 : troubles[count - 1].call + 1;
    bool is_well = true;
    for (int i = first; i < c.count && is_well; i++)
        for (int kind = 1; kind < TROUBLE_KINDS && is_well; kind++) {
            if (!trouble_fits((enum trouble)kind, c.list[i].kind, c.list[i].is_of_head) ||
                (fitting++ + i) % (count == 0 ? b->singles : b->pairs) != 0)
                continue;
            troubles[count] = (struct trouble_at){i, (enum trouble)kind};
            is_well = run_one(seed, troubles, count + 1, false) &&
                      (count + 1 == TROUBLES_MAX || add_one(seed, troubles, count + 1, b));
        }
    free(c.list);
    return is_well;
}

static bool explore(uint64_t seed, const struct budget *b)
{
    struct trouble_at troubles[TROUBLES_MAX];
    return run_one(seed, troubles, 0, false) && add_one(seed, troubles, 0, b);
}

static int run_all(const struct budget *b)
{
    for (int seed = 1; seed <= b->seeds; seed++)
        if (!explore((uint64_t)seed, b))
            return 1;
    int searched = runs;
    for (int seed = 1; seed <= b->walks && seen_count(world.seen) < b->states; seed++)
        if (!run_one((uint64_t)seed, NULL, 0, true))
            return 1;
    printf("checkpoints: %d runs breadth first, %d random walks, %llu distinct states, every law holds\n",
           searched, runs - searched, (unsigned long long)seen_count(world.seen));
    if (b == &full && seen_count(world.seen) < STATES_LEAST)
        printf("too few distinct states: the simulation must reach %d\n", STATES_LEAST);
    return b == &full && seen_count(world.seen) < STATES_LEAST;
}

int main(int argc, char **argv)
{
    struct trouble_at troubles[TROUBLES_MAX];
    bool is_random = argc > 3 && strcmp(argv[3], "--random") == 0;
    int count = 0, result;
    log_set_level(LOG_LEVEL_ERROR);
    world.seen = seen_new(SLOTS);
    if (world.seen == NULL || !disk_begin()) {
        perror("checkpoint_sim");
        return 1;
    }
    if (argc > 2 && strcmp(argv[1], "--seed") == 0) {
        for (int i = is_random ? 4 : 3; i + 1 < argc && count < TROUBLES_MAX; i += 2)
            troubles[count++] = (struct trouble_at){(int)strtol(argv[i], NULL, 10),
                                                    (enum trouble)strtol(argv[i + 1], NULL, 10)};
        world.trace = stdout;
        result = !run_one(strtoull(argv[2], NULL, 10), troubles, count, is_random);
    } else {
        result = run_all(argc > 1 && strcmp(argv[1], "--quick") == 0 ? &quick : &full);
    }
    disk_end();
    seen_free(world.seen);
    return result;
}
