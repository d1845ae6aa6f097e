/* Random runs from seeds, the calm after them, and replays. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "sim.h"

#include "base/banned.h"

enum { FAIR_MOST = 3000, TROUBLE_PERCENT = 12, REST_PASSES = 3 };

uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static const char *go(struct state *s, struct choice c, struct seen *seen, FILE *trace)
{
    if (trace != NULL)
        choice_print(trace, s, c);
    const char *law = step(s, c);
    if (law == NULL && seen != NULL)
        (void)seen_add(seen, state_hash(s));
    return law;
}

/* The world is still: looked at again, it must stay so. */
static const char *check_rest(struct state *s, FILE *trace)
{
    for (uint8_t round = 0; round < REST_PASSES * OPS; round++) {
        uint8_t op = round % OPS;
        if (op >= s->ops_used)
            continue;
        s->ms += 60000;
        s->ops[op].due = 1;
        const char *law = go(s, (struct choice){.kind = PASS, .op = op}, NULL, trace);
        if (law != NULL)
            return law;
        if (s->ops[op].in_reconcile)
            return "nothing changed, and the operator writes again";
    }
    return law_of_rest(s);
}

const char *run_fairly(struct state *s, uint64_t seed, struct seen *seen, FILE *trace)
{
    struct choice choices[CHOICES];
    for (int i = 0; i < FAIR_MOST; i++) {
        size_t n = choices_of(s, false, choices);
        if (n == 0)
            return check_rest(s, trace);
        const char *law = go(s, choices[next_random(&seed) % n], seen, trace);
        if (law != NULL)
            return law;
    }
    return "the world is fair and does not come to rest";
}

/* Trouble is rarer than what goes on anyway. */
static struct choice choose(const struct state *s, uint64_t *seed)
{
    struct choice choices[CHOICES];
    bool wants_trouble = next_random(seed) % 100 < TROUBLE_PERCENT;
    size_t n = choices_of(s, true, choices), kept = 0;
    for (size_t i = 0; i < n; i++)
        if (is_trouble((enum choice_kind)choices[i].kind) == wants_trouble)
            choices[kept++] = choices[i];
    if (kept == 0)
        kept = choices_of(s, true, choices);
    return choices[next_random(seed) % kept];
}

static const char *walk_once(uint64_t seed, int steps, struct seen *seen, FILE *trace)
{
    struct state s;
    uint64_t random = seed;
    struct choice choices[CHOICES];
    state_init(&s, (uint8_t)(seed % scenario_count));
    if (trace != NULL)
        fprintf(trace, "SCENARIO %s\n", scenarios[s.scenario].name);
    for (int i = 0; i < steps && choices_of(&s, true, choices) > 0; i++) {
        const char *law = go(&s, choose(&s, &random), seen, trace);
        if (law != NULL)
            return law;
    }
    if (trace != NULL)
        fprintf(trace, "# from here on, no more trouble\n");
    return run_fairly(&s, random, seen, trace);
}

bool walk(uint64_t seed, int steps, struct seen *seen, bool is_verbose)
{
    const char *law = walk_once(seed, steps, seen, is_verbose ? stdout : NULL);
    statuses_forget();
    objects_forget();
    if (law == NULL)
        return true;
    if (!is_verbose) {
        (void)walk_once(seed, steps, NULL, stdout);
        statuses_forget();
        objects_forget();
    }
    printf("VIOLATION: %s\nreplay: sim --seed %llu --steps %d\n", law, (unsigned long long)seed, steps);
    return false;
}

/* ---- replays ---- */

static bool parse(const char *line, struct choice *ret)
{
    char name[64];
    unsigned op, arg;
    if (sscanf(line, "%63s %u %u", name, &op, &arg) != 3 || op >= OPS || arg > UINT8_MAX)
        return false;
    for (int kind = 0; kind < CHOICE_KINDS; kind++)
        if (strcmp(choice_name((enum choice_kind)kind), name) == 0) {
            *ret = (struct choice){(uint8_t)kind, (uint8_t)op, (uint8_t)arg};
            return true;
        }
    return false;
}

static bool is_possible(const struct state *s, struct choice c)
{
    struct choice choices[CHOICES];
    size_t n = choices_of(s, true, choices);
    for (size_t i = 0; i < n; i++)
        if (memcmp(&choices[i], &c, sizeof(c)) == 0)
            return true;
    return false;
}

static const char *replay_line(struct state *s, const char *line)
{
    struct choice c;
    char name[64];
    if (sscanf(line, "SCENARIO %63s", name) == 1)
        for (uint8_t i = 0; i < scenario_count; i++)
            if (strcmp(scenarios[i].name, name) == 0)
                state_init(s, i);
    if (!parse(line, &c))
        return NULL;
    if (!is_possible(s, c))
        return "this step cannot happen here: the trace is not of this program";
    return go(s, c, NULL, stdout);
}

bool replay(const char *path)
{
    char line[256];
    struct state s;
    const char *law = NULL;
    FILE *f = fopen(path, "r");
    if (f == NULL) {
        perror(path);
        return false;
    }
    state_init(&s, 0);
    while (law == NULL && fgets(line, sizeof(line), f) != NULL)
        law = replay_line(&s, line);
    (void)fclose(f);
    if (law == NULL)
        law = run_fairly(&s, 1, NULL, NULL);
    printf("%s%s\n", law != NULL ? "VIOLATION: " : "no law is broken", law != NULL ? law : "");
    return law == NULL;
}
