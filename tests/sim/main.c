/*
 * sim: plan() against a small model of the cluster; see sim.h.
 *
 *   sim                       breadth first and random walks, on two processes
 *   sim --quick               the same, for seconds
 *   sim --seed N --steps M    one random walk, step by step
 *   sim --replay FILE         the steps of a trace
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "sim.h"

#include "base/banned.h"

enum { PROCESSES = 2, STEPS = 150, STATES_LEAST = 1000000, SLOTS = 1 << 25 };

struct budget {
    uint64_t states; /* of each scenario, breadth first */
    uint64_t walks;  /* in all */
    int seconds;     /* of a process's own time, after which no walk begins */
};
static const struct budget full = {120000, 6000, 120};
static const struct budget quick = {12000, 1500, 60};

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* One process's share. */
static bool run_share(const struct budget *b, int process, struct seen *seen)
{
    for (uint8_t i = 0; i < scenario_count; i++)
        if (i % PROCESSES == process && !explore(i, b->states, seen))
            return false;
    uint64_t before = seen_count(seen), walks = 0;
    for (uint64_t seed = 1 + (uint64_t)process; seed <= b->walks; seed += PROCESSES, walks++) {
        if (seconds_of(CLOCK_PROCESS_CPUTIME_ID) > b->seconds)
            break;
        if (!walk(seed, STEPS, seen, false))
            return false;
    }
    printf("  random walks   %9llu runs of %d steps of trouble and the calm after them; %llu new states\n",
           (unsigned long long)walks, STEPS, (unsigned long long)(seen_count(seen) - before));
    return true;
}

static int run_all(const struct budget *b)
{
    double start = seconds_of(CLOCK_MONOTONIC);
    struct seen *seen = seen_new(SLOTS);
    int failed = 0;
    if (seen == NULL) {
        perror("mmap");
        return 1;
    }
    for (int i = 0; i < PROCESSES; i++) {
        (void)fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            bool is_well = run_share(b, i, seen);
            (void)fflush(stdout);
            _exit(is_well ? 0 : 1);
        }
        failed += pid < 0;
    }
    int status;
    while (wait(&status) > 0)
        failed += status != 0;
    uint64_t count = seen_count(seen);
    if (b == &full && !failed && count < STATES_LEAST) {
        printf("too few distinct states: the simulation must reach %d\n", STATES_LEAST);
        failed++;
    }
    printf("sim: %llu distinct states in %.0f s, %s\n", (unsigned long long)count,
           seconds_of(CLOCK_MONOTONIC) - start, failed ? "a law was broken" : "every law holds");
    return failed != 0;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"seed", required_argument, NULL, 's'},
                                            {"steps", required_argument, NULL, 'n'},
                                            {"replay", required_argument, NULL, 'r'},
                                            {"quick", no_argument, NULL, 'q'},
                                            {0}};
    const struct budget *budget = &full;
    uint64_t seed = 0;
    int steps = STEPS, c;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 's': seed = strtoull(optarg, NULL, 10); break;
        case 'n': steps = (int)strtol(optarg, NULL, 10); break;
        case 'q': budget = &quick; break;
        case 'r': return !replay(optarg);
        default: return 2;
        }
    }
    return seed ? !walk(seed, steps, NULL, true) : run_all(budget);
}
