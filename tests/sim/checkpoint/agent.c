#include "agent.h"

#include <stdlib.h>
#include <string.h>

#include "agent/checkpoints.h"
#include "agent/destinations.h"
#include "agent/input_room.h"
#include "agent/replacement.h"
#include "agent/restore.h"
#include "base/alloc.h"
#include "base/strbuf.h"
#include "history.h"
#include "laws.h"
#include "seal/object_read.h"

#include "base/banned.h"

enum { STACK_BYTES = 256 * 1024, LOOK_MS = 1000, SEGMENT_BYTES = 512, KEY_BYTES = 32, KEY_ID = 77 };

static ucontext_t scheduler;
static char *stacks[AGENTS_MAX];

/* ---- what the agent's code is linked with ---- */
static const struct keyset *keyset(void)
{
    static struct keyset_key key = {
        .id = KEY_ID, .is_enabled = true, .params = {SEGMENT_BYTES, KEY_BYTES, STREAM_SHA256}};
    static const struct keyset keys = {.keys = &key, .count = 1};
    if (key.material.bytes == NULL)
        secret_alloc(&key.material, KEY_BYTES);
    return &keys;
}

int keyring_seal(const struct keyring *k, const char *uri, const char *key_name, struct seal_context *ret,
                 struct err *e)
{
    (void)key_name;
    return seal_open(ret, k->gcp, uri, keyset(), e);
}

void ghost_open(struct seal_context *ret)
{
    static struct agent ghost = {.is_ghost = true};
    struct err ignored CLEANUP(err_fini) = {0};
    if (seal_open(ret, &ghost.gcp, "gs://" SIM_BUCKET "/" SIM_PREFIX, keyset(), &ignored) < 0)
        abort();
}

/* The operator's anchor only moves forward. */
void report_writer_checkpoint(struct report_writer *w, const struct checkpoint_ref *checkpoint)
{
    struct agent *a = w->agent;
    a->committed_ms = world.now_ms;
    a->known = a->found;
    for (int i = world.commit_count; i-- > 0 && !a->is_dead && !a->reports_nothing;)
        if (strcmp(world.commits[i].sha256, checkpoint->manifest_sha256) == 0 &&
            history_compare(i, world.anchor) > 0)
            world.anchor = i;
}

void report_writer_restored(struct report_writer *w, const struct restored_ref *restored)
{
    (void)w;
    trace("it begins with %s", restored->name);
}

void report_writer_warning(struct report_writer *w, const char *sentence)
{
    (void)w;
    trace("warning: %s", sentence);
}

/* With half of the seeds the operator gives no answer. */
bool replacement_is_confirmed(const struct assignment *assignment, struct report_writer *report)
{
    (void)report;
    return world.seed / 2 % 2 == 0 && world.starts > assignment->attempt;
}

static int collect(void *context, const void *bytes, size_t length, struct err *e)
{
    (void)e;
    strbuf_add(context, bytes, length);
    return 0;
}

/* Restored files are looked at and forgotten. */
int stage_fetch(const struct staging *s, const struct seal_context *seal, const struct seal_set *set,
                const char *directory, struct err *e)
{
    const struct agent *a = world.agents[world.running];
    (void)s;
    (void)directory;
    for (size_t i = 0; i < set->count; i++) {
        struct strbuf text = STRBUF(1 << 16);
        int result = seal_read(seal, &set->items[i], (struct byte_sink){collect, &text}, e);
        if (result == 0)
            law_of_restored_file(a, set->items[i].path, strbuf_text(&text));
        strbuf_fini(&text);
        if (result < 0)
            return -1;
    }
    laws_of_restored(a, set->count);
    return 0;
}

/* ---- its stack ---- */
void agent_pause(struct agent *a, enum agent_phase phase, int64_t until_ms)
{
    a->phase = phase;
    a->wake_ms = until_ms;
    (void)swapcontext(&a->context, &scheduler);
}

void agent_resume(struct agent *a)
{
    world.running = a->number;
    (void)swapcontext(&scheduler, &a->context);
    world.running = -1;
}

/* ---- what worker/agent/agent.c does ---- */
static int first_step_after(int commit)
{
    int newest = 0;
    for (int i = 0; commit >= 0 && i < world.commits[commit].count; i++) {
        const struct item *item = &world.commits[commit].items[i];
        if (item->content >= 0 && world.contents[item->content].step > newest)
            newest = world.contents[item->content].step;
    }
    return newest + 1;
}

static void start_program(struct pod *pod, int restored)
{
    program_make(&pod->program, world.style, first_step_after(restored), world.now_ms);
    pod->is_started = true;
}

static int prepare(struct agent *a, struct err *e)
{
    struct pod *pod = &world.pods[a->pod];
    struct head head CLEANUP(head_fini) = {.generation = 0};
    struct snapshot_found found CLEANUP(snapshot_found_fini) = {.at = {.name = NULL}};
    const struct staging staging = {
        .assignment = &a->assignment, .keys = &a->keys, .room = input_room_of(&a->assignment)};
    struct restore_part part CLEANUP(restore_part_fini) = {.left_out = 0};
    if (destinations_read_head(&a->assignment, &a->gcp, &a->report, &head, e) < 0 ||
        destinations_check(&a->assignment, &a->gcp, e) < 0 ||
        restore_find(&a->assignment, &a->keys, &head, &found, e) < 0)
        return -1;
    laws_of_finding(a, &found.at);
    restore_report(&a->assignment, &found, &a->report);
    if (!pod->is_staged && (restore_choose(&staging, &found, &part, e) < 0 ||
                            restore_fetch(&staging, &found, &part, &a->report, e) < 0))
        return -1;
    pod->is_staged = true;
    a->checkpoints = checkpoints_new(&a->assignment, &a->keys, &a->report, &head, &found.manifest, e);
    if (a->checkpoints == NULL)
        return -1;
    if (!pod->is_started)
        start_program(pod, a->found);
    return 0;
}

static int supervise(struct agent *a, struct err *e)
{
    const struct pod *pod = &world.pods[a->pod];
    while (!pod->has_ended && !a->is_dead) {
        agent_pause(a, AGENT_WAITS, world.now_ms + LOOK_MS);
        if (a->is_dead || checkpoints_look(a->checkpoints, e) == 0)
            continue;
        if (!err_code_is_retryable(e->code))
            return -1;
        err_fini(e);
    }
    return a->is_dead ? FAIL(e, ERR_CANCELLED, "the agent is dead")
                      : checkpoints_end(a->checkpoints, pod->exit_code == 0, e);
}

static void serve(void)
{
    struct agent *a = world.agents[world.running];
    struct err e = {0};
    if (prepare(a, &e) == 0)
        (void)supervise(a, &e);
    char *text = err_text(&e);
    a->end = e.code;
    if (!a->is_dead)
        trace("agent %d ends: %s", a->number, text);
    free(text);
    err_fini(&e);
    checkpoints_free(a->checkpoints);
    for (;;)
        agent_pause(a, AGENT_HAS_ENDED, INT64_MAX);
}

/* ---- life ---- */
void agent_start(int pod)
{
    struct pod *p = &world.pods[pod];
    struct agent *a = xcalloc(1, sizeof(*a));
    a->number = world.agent_count;
    a->pod = pod;
    a->anchor = p->anchor;
    a->found = a->head_seen = a->known = -1;
    a->report.agent = a;
    a->keys.gcp = &a->gcp;
    a->assignment = ASSIGNMENT_NONE;
    a->assignment.job_namespace = "ns";
    a->assignment.job = "job";
    a->assignment.job_uid = SIM_JOB;
    a->assignment.pod_uid = p->uid;
    a->assignment.checkpoints_uri = "gs://" SIM_BUCKET "/" SIM_PREFIX;
    a->assignment.checkpoints_key = "key";
    a->assignment.checkpoints_anchor = p->anchor < 0 ? "" : world.commits[p->anchor].sha256;
    a->assignment.input_limit_bytes = INT64_MAX;
    a->assignment.attempt = p->attempt;
    a->assignment.index = 0;
    a->assignment.connections = 1;
    world.agents[world.agent_count++] = a;
    if (stacks[a->number] == NULL)
        stacks[a->number] = xmalloc(STACK_BYTES);
    (void)getcontext(&a->context);
    a->context.uc_stack.ss_sp = stacks[a->number];
    a->context.uc_stack.ss_size = STACK_BYTES;
    makecontext(&a->context, serve, 0);
    a->phase = AGENT_CALLS;
    a->wake_ms = world.now_ms;
    trace("agent %d starts in pod %s", a->number, p->uid);
}

void agent_free(struct agent *a)
{
    a->is_dead = true;
    while (a->phase != AGENT_HAS_ENDED)
        agent_resume(a);
    free(a);
}
