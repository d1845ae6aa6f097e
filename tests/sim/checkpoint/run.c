#include "run.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "agent.h"
#include "agentapi/failures.h"
#include "base/alloc.h"
#include "disk.h"
#include "laws.h"
#include "os/loop.h"
#include "store.h"

#include "base/banned.h"

enum { RESTART_MS = 2000, ATTEMPT_MS = 3000, EPOCH_S = 1700000000, STEPS_MAX = 60000 };

struct world world;

void break_law(const char *law, const char *format, ...)
{
    va_list args;
    if (world.broken != NULL)
        return;
    world.broken = law;
    va_start(args, format);
    (void)vsnprintf(world.where, sizeof(world.where), format, args);
    va_end(args);
    trace("VIOLATION: %s: %s", law, world.where);
}

void trace(const char *format, ...)
{
    va_list args;
    if (world.trace == NULL)
        return;
    (void)fprintf(world.trace, "%8.3f s  ", (double)world.now_ms / 1000);
    va_start(args, format);
    (void)vfprintf(world.trace, format, args);
    va_end(args);
    (void)fputc('\n', world.trace);
}

/* ---- clocks and random numbers ---- */
int64_t clock_boot_ms(void)
{
    return world.now_ms;
}

int64_t clock_wall_us(void)
{
    return (EPOCH_S * INT64_C(1000) + world.now_ms) * 1000;
}

int nanosleep(const struct timespec *time, struct timespec *rest)
{
    (void)time;
    (void)rest;
    return 0;
}

int RAND_bytes(unsigned char *bytes, int count);
int RAND_bytes(unsigned char *bytes, int count)
{
    static struct dice dice = {1};
    for (int i = 0; i < count; i++)
        bytes[i] = (unsigned char)roll(&dice, 256);
    return 1;
}

/* ---- the operator ---- */
static void start_attempt(void)
{
    struct pod *pod = &world.pods[world.starts];
    *pod = (struct pod){.attempt = world.starts + 1, .number = world.starts, .anchor = world.anchor};
    (void)snprintf(pod->uid, sizeof(pod->uid), "pod-%d", pod->attempt);
    pod->program.dice = dice_of(world.seed * 16 + (uint64_t)pod->attempt);
    pod->program.is_rotating = world.seed / STYLES % 2 != 0;
    /* The third attempt and later ones succeed. */
    static const int CODES[] = {1, -1, 0};
    pod->program.exit_code =
        pod->attempt >= 3 ? 0 : CODES[roll(&pod->program.dice, pod->attempt == 1 ? 2 : 3)];
    disk_make(pod);
    world.starts++;
    agent_start(world.starts - 1);
}

static struct agent *agent_of(int pod)
{
    for (int i = world.agent_count; i-- > 0;)
        if (world.agents[i]->pod == pod)
            return world.agents[i];
    return NULL;
}

/* What becomes of the job now that the newest pod has ended, or is taken for lost. */
static void go_on(void)
{
    struct pod *pod = &world.pods[world.starts - 1];
    const struct agent *a = agent_of(world.starts - 1);
    if (!pod->is_over && !pod->is_lost)
        return;
    bool is_final = pod->is_over && a->end != ERR_NONE && failure_of_code(a->end)->retry == RETRY_NEVER;
    world.has_succeeded = pod->is_over && !pod->is_lost && a->end == ERR_NONE && pod->exit_code == 0;
    world.is_over = world.has_succeeded || is_final || world.starts == ATTEMPTS_MAX;
    if (!world.is_over)
        start_attempt();
}

/* ---- programs ---- */
static int64_t next_of_program(const struct pod *pod)
{
    if (!pod->is_started || pod->has_ended || pod->is_dead)
        return INT64_MAX;
    const struct program *p = &pod->program;
    bool has_more = pod->done < p->count && p->acts[pod->done].at_ms <= p->end_ms;
    return has_more ? p->acts[pod->done].at_ms : p->end_ms;
}

static void end_program(struct pod *pod)
{
    pod->has_ended = true;
    pod->exit_code = pod->program.exit_code < 0 ? 137 : pod->program.exit_code;
    disk_close_all(pod);
    if (pod->exit_code == 0)
        disk_declare_all(pod);
    trace("the program of pod %s ends with %d", pod->uid, pod->exit_code);
}

static void run_program(struct pod *pod)
{
    const struct program *p = &pod->program;
    if (pod->done < p->count && p->acts[pod->done].at_ms <= p->end_ms)
        disk_act(pod, &p->acts[pod->done++]);
    else
        end_program(pod);
}

/* ---- agents ---- */
/* An agent whose code has ended for good, or that died in a pod that goes on. */
static void end_agent(struct agent *a)
{
    struct pod *pod = &world.pods[a->pod];
    if (a->is_dead && !pod->is_dead && world.agent_count < AGENTS_MAX) {
        pod->restart_ms = world.now_ms + RESTART_MS;
        pod->was_restarted = true;
    } else {
        pod->is_over = true;
    }
    laws_of_the_end(a);
}

static void run_agent(struct agent *a)
{
    agent_resume(a);
    if (a->phase == AGENT_HAS_ENDED)
        end_agent(a);
}

/* ---- the state, for counting different ones ---- */
static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
    return hash ^ hash >> 32;
}

static uint64_t mix_text(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = mix(hash, (uint64_t)(unsigned char)*text);
    return hash;
}

/* Times count by their order of magnitude only. */
static uint64_t age(int64_t ms)
{
    static const int64_t LIMITS[] = {20, 500, 2000, 10000, 12000, 30000};
    uint64_t i = 0;
    while (i < ARRAY_LEN(LIMITS) && ms > LIMITS[i])
        i++;
    return i;
}

static uint64_t hash_pod(uint64_t hash, const struct pod *pod)
{
    hash = mix(hash, (uint64_t)(pod->is_lost | pod->is_dead << 1 | pod->is_over << 2 | pod->has_ended << 3));
    hash = mix(hash, age(world.now_ms - pod->touched_ms));
    for (int i = 0; i < pod->count; i++) {
        const struct disk_file *f = &pod->files[i];
        const struct content *c = &world.contents[f->content];
        hash = mix_text(hash, f->path);
        hash = mix(hash, (uint64_t)(c->step << 4 | c->is_declared | c->is_settled << 1 | (f->fd >= 0) << 2));
    }
    return hash;
}

static uint64_t hash_agent(uint64_t hash, const struct agent *a)
{
    if (a->phase == AGENT_HAS_ENDED)
        return mix(hash, (uint64_t)a->end + 1);
    const char *last = a->phase == AGENT_CALLS && a->call != NULL ? strrchr(a->call, '/') : "";
    hash = mix_text(mix(hash, a->phase), last);
    hash = mix(hash, age(world.now_ms - a->committed_ms) << 4 | age(a->wake_ms - world.now_ms));
    return mix(hash, (uint64_t)(a->found - world.commit_count) << 3 | a->is_dead | a->reports_nothing << 1);
}

static void note_state(void)
{
    const struct commit *newest = world.commit_count == 0 ? NULL : &world.commits[world.commit_count - 1];
    uint64_t hash = mix((uint64_t)world.starts, (uint64_t)(world.commit_count - world.anchor));
    hash = mix(hash, (uint64_t)(world.is_lied_to | world.is_head_attacked << 1));
    for (int i = 0; newest != NULL && i < newest->count; i++) {
        const struct item *item = &newest->items[i];
        hash = mix_text(hash, item->path);
        hash = mix(hash, (uint64_t)(item->attempt << 1 | item->is_declared));
    }
    for (int i = 0; i < world.starts; i++)
        if (!world.pods[i].is_over && !world.pods[i].is_dead)
            hash = hash_pod(hash, &world.pods[i]);
    for (int i = 0; i < world.agent_count; i++)
        hash = hash_agent(hash, world.agents[i]);
    (void)seen_add(world.seen, hash);
}

/* ---- the order of everything ---- */
static int64_t next_ms(void)
{
    int64_t next = INT64_MAX;
    for (int i = 0; i < world.starts; i++) {
        const struct pod *pod = &world.pods[i];
        int64_t at = next_of_program(pod);
        next = at < next ? at : next;
        if (pod->restart_ms != 0 && pod->restart_ms < next)
            next = pod->restart_ms;
    }
    for (int i = 0; i < world.agent_count; i++)
        if (world.agents[i]->phase != AGENT_HAS_ENDED && world.agents[i]->wake_ms < next)
            next = world.agents[i]->wake_ms;
    return next;
}

/* One actor whose time has come. */
static void act(void)
{
    for (int i = 0; i < world.starts; i++) {
        struct pod *pod = &world.pods[i];
        if (next_of_program(pod) <= world.now_ms) {
            run_program(pod);
            return;
        }
        if (pod->restart_ms != 0 && pod->restart_ms <= world.now_ms) {
            pod->restart_ms = 0;
            if (!pod->is_dead)
                agent_start(i);
            return;
        }
    }
    for (int i = 0; i < world.agent_count; i++) {
        struct agent *a = world.agents[i];
        if (a->phase != AGENT_HAS_ENDED && a->wake_ms <= world.now_ms) {
            run_agent(a);
            return;
        }
    }
}

static void begin(uint64_t seed, const struct trouble_at *troubles, int count, bool is_random)
{
    FILE *to = world.trace;
    struct seen *seen = world.seen;
    world = (struct world){
        .seed = seed, .trace = to, .seen = seen, .dice = dice_of(seed), .is_random = is_random};
    world.style = (int)(seed % STYLES);
    world.now_ms = 1000;
    world.running = world.anchor = -1;
    world.trouble_count = count;
    for (int i = 0; i < count; i++)
        world.troubles[i] = troubles[i];
    store_begin();
    start_attempt();
}

static void finish(void)
{
    for (int i = 0; i < world.agent_count; i++)
        agent_free(world.agents[i]);
    for (int i = 0; i < world.starts; i++)
        disk_remove(&world.pods[i]);
    store_end();
}

bool run(uint64_t seed, const struct trouble_at *troubles, int count, bool is_random)
{
    begin(seed, troubles, count, is_random);
    for (int steps = 0; !world.is_over && world.broken == NULL; steps++) {
        int64_t at = next_ms();
        if (at == INT64_MAX || steps == STEPS_MAX) {
            break_law("it comes to no end", "%d steps", steps);
            break;
        }
        world.now_ms = at > world.now_ms ? at : world.now_ms;
        act();
        note_state();
        go_on();
    }
    if (world.broken == NULL)
        laws_of_the_job();
    finish();
    return world.broken == NULL;
}
