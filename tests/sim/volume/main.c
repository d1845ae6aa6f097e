/*
 * volume_sim: worker/volume against random programs and an agent of any speed; see run.h.
 *
 *   volume_sim           until four million distinct states are seen
 *   volume_sim --quick   for seconds
 *   volume_sim --seed N  one program, act by act
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "run.h"

#include "base/banned.h"

enum { SLOTS = 1 << 23, STATES_LEAST = 4000000, PROGRAMS_MOST = 200000, PROGRAMS_QUICK = 1500 };

static int run_one(struct run *r, uint64_t seed)
{
    if (run_program(r, seed))
        return 0;
    printf("VIOLATION: %s\n  %s; program %llu (volume_sim --seed %llu shows it)\n", r->broken, r->where,
           (unsigned long long)seed, (unsigned long long)seed);
    return 1;
}

static int run_all(struct run *r, uint64_t most, bool is_quick)
{
    uint64_t seed = 1;
    for (; seed <= most && (is_quick || seen_count(r->seen) < STATES_LEAST); seed++)
        if (run_one(r, seed) != 0)
            return 1;
    printf("volume: %llu programs, %zu commits, %llu distinct states\n", (unsigned long long)seed - 1,
           r->commits, (unsigned long long)seen_count(r->seen));
    return !is_quick && seen_count(r->seen) < STATES_LEAST;
}

int main(int argc, char **argv)
{
    static struct run r; /* it is large */
    bool is_quick = argc == 2 && strcmp(argv[1], "--quick") == 0;
    r.seen = seen_new(SLOTS);
    if (r.seen == NULL) {
        perror("mmap");
        return 1;
    }
    r.is_verbose = argc == 3 && strcmp(argv[1], "--seed") == 0;
    int result = r.is_verbose ? run_one(&r, strtoull(argv[2], NULL, 10))
                              : run_all(&r, is_quick ? PROGRAMS_QUICK : PROGRAMS_MOST, is_quick);
    seen_free(r.seen);
    return result;
}
