#include "troubles.h"

#include <string.h>

#include "base/alloc.h"
#include "data/js.h"
#include "seal/manifest_store.h"
#include "store.h"

#include "base/banned.h"

enum { CALL_MS = 20, CALLS_MAX = 3000, CALLS_OF_AGENT_MAX = 600, CHANCE = 40 };

static const struct {
    const char *name;
    enum { ANY, READS, WRITES, HEAD } where;
    enum { NOTHING, AGENT_DIES, POD_DIES, POD_IS_LOST, REPORTS_END } effect;
    int delay_ms;
} kinds[] = {
#define TROUBLE_ROW(name, where, effect, delay) {#name, where, effect, delay},
    TROUBLES(TROUBLE_ROW)
#undef TROUBLE_ROW
};

static struct {
    enum call_kind kind;
    bool is_of_head;
} calls[CALLS_MAX + 1];

const char *trouble_name(enum trouble kind)
{
    return kinds[kind].name;
}

enum call_kind call_kind_of(int call)
{
    return calls[call].kind;
}

bool call_is_of_head(int call)
{
    return calls[call].is_of_head;
}

bool trouble_fits(enum trouble kind, enum call_kind call, bool is_of_head)
{
    switch (kinds[kind].where) {
    case ANY: return true;
    case READS: return call != CALL_WRITE;
    case WRITES: return call == CALL_WRITE;
    case HEAD: return call == CALL_READ_SMALL && is_of_head;
    }
    return false;
}

/* ---- lies ---- */
static void put_head(json_t *head)
{
    char *text CLEANUP(cleanup_free) = js_dump(head);
    store_put(SIM_PREFIX "HEAD", view_from(text));
    json_decref(head);
}

static json_t *head_of_commit(int commit)
{
    struct err ignored CLEANUP(err_fini) = {0};
    const struct blob *b = commit < 0 ? NULL : store_head_of(world.commits[commit].name);
    return b == NULL ? NULL : js_parse(view_of(b->bytes, b->size), "HEAD", &ignored);
}

/* A manifest with the right key, but of something else. */
static void point_head_elsewhere(json_t *head, const char *kind, const char *job_uid)
{
    struct seal_context seal;
    struct manifest_ref at;
    struct err e CLEANUP(err_fini) = {0};
    struct manifest m = {.kind = xstrdup(kind),
                         .job_namespace = xstrdup("ns"),
                         .job = xstrdup("job"),
                         .job_uid = xstrdup(job_uid),
                         .attempt = world.commits[world.commit_count - 1].attempt,
                         .sequence = 1,
                         .name = xstrdup("x"),
                         .time = xstrdup("")};
    manifest_make_id(m.id);
    char *folder CLEANUP(cleanup_free) = xasprintf("1/%s", m.id);
    ghost_open(&seal);
    if (manifest_write(&seal, &m, folder, &at, &e) == 0) {
        json_object_set_new(head, "manifest", json_string(at.name));
        json_object_set_new(head, "id", json_string(at.id));
        json_object_set_new(head, "manifestSHA256", json_string(at.sha256));
        manifest_ref_fini(&at);
    }
    manifest_fini(&m);
    seal_close(&seal);
}

static void attack_head(enum trouble kind, const struct agent *a)
{
    int newest = world.commit_count - 1, old = newest <= 0 ? -1 : roll(&world.dice, newest);
    bool is_of_old = kind == TROUBLE_HEAD_ROLLED_BACK || kind == TROUBLE_HEAD_CLAIMS_TO_BE_OURS;
    json_t *head = head_of_commit(is_of_old ? old : newest);
    if (head == NULL)
        return;
    world.is_lied_to = world.is_head_attacked = true;
    if (kind == TROUBLE_HEAD_OF_THE_FUTURE)
        json_object_set_new(head, "attempt", json_integer(99));
    else if (kind == TROUBLE_HEAD_OF_ANOTHER_POD)
        json_object_set_new(head, "podUID", json_string("another"));
    else if (kind == TROUBLE_HEAD_OF_ANOTHER_JOB)
        point_head_elsewhere(head, "checkpoint", "another");
    else if (kind == TROUBLE_HEAD_OF_AN_OUTPUT)
        point_head_elsewhere(head, "output", SIM_JOB);
    else if (kind == TROUBLE_HEAD_MIXED && old >= 0)
        json_object_set_new(head, "manifestSHA256", json_string(world.commits[old].sha256));
    else if (kind == TROUBLE_HEAD_GARBAGE)
        json_object_set_new(head, "manifest", json_string("../manifest"));
    if (kind == TROUBLE_HEAD_CLAIMS_TO_BE_OURS) {
        json_object_set_new(head, "attempt", json_integer(a->assignment.attempt));
        json_object_set_new(head, "podUID", json_string(a->assignment.pod_uid));
    }
    put_head(head);
}

static void attack(enum trouble kind, const struct agent *a, const char *object)
{
    if (kind >= TROUBLE_HEAD_ROLLED_BACK && kind != TROUBLE_HEAD_REMOVED) {
        attack_head(kind, a);
        return;
    }
    if (kind == TROUBLE_HEAD_REMOVED)
        object = SIM_PREFIX "HEAD";
    if (store_find(object) == NULL)
        return;
    world.is_lied_to = true;
    world.is_head_attacked = world.is_head_attacked || strcmp(object, SIM_PREFIX "HEAD") == 0;
    if (kind == TROUBLE_WITHHELD || kind == TROUBLE_HEAD_REMOVED)
        store_remove(object);
    else if (kind == TROUBLE_ALTERED)
        store_alter(object);
    else if (kind == TROUBLE_TRUNCATED)
        store_truncate(object);
    else if (kind == TROUBLE_SWAPPED)
        (void)store_swap(object);
}

/* ---- what befalls a call ---- */
static enum trouble by_chance(enum call_kind call, bool is_of_head)
{
    bool may_lie = world.seed % 3 == 0;
    enum trouble kind =
        (enum trouble)(1 + roll(&world.dice, (may_lie ? TROUBLE_KINDS : TROUBLE_FIRST_LIE) - 1));
    return roll(&world.dice, CHANCE) == 0 && trouble_fits(kind, call, is_of_head) ? kind : TROUBLE_NONE;
}

static enum trouble choose(enum call_kind call, const char *object)
{
    bool is_of_head = strcmp(object, SIM_PREFIX "HEAD") == 0;
    int number = world.calls < CALLS_MAX ? world.calls : CALLS_MAX;
    calls[number].kind = call;
    calls[number].is_of_head = is_of_head;
    world.calls++;
    if (world.starts == ATTEMPTS_MAX) /* the last attempt has none */
        return TROUBLE_NONE;
    for (int i = 0; i < world.trouble_count; i++)
        if (world.troubles[i].call == number && trouble_fits(world.troubles[i].kind, call, is_of_head))
            return world.troubles[i].kind;
    return world.is_random ? by_chance(call, is_of_head) : TROUBLE_NONE;
}

static int wait_for_it(struct agent *a, int64_t ms, struct err *e)
{
    agent_pause(a, AGENT_CALLS, world.now_ms + ms);
    return a->is_dead ? FAIL(e, ERR_CANCELLED, "the agent is dead") : 0;
}

static void befall(struct agent *a, enum trouble kind)
{
    struct pod *pod = &world.pods[a->pod];
    switch (kinds[kind].effect) {
    case NOTHING: break;
    case AGENT_DIES: a->is_dead = true; break;
    case POD_DIES: a->is_dead = pod->is_dead = pod->is_lost = true; break;
    case POD_IS_LOST: pod->is_lost = true; break;
    case REPORTS_END: a->reports_nothing = true; break;
    }
}

static bool is_after(enum trouble kind)
{
    return kind == TROUBLE_AGENT_DIES_AFTER || kind == TROUBLE_POD_DIES_AFTER ||
           kind == TROUBLE_REPLY_IS_LOST;
}

enum trouble trouble_before(struct agent *a, enum call_kind call, const char *object, struct err *e)
{
    if (a->is_dead) {
        (void)FAIL(e, ERR_CANCELLED, "the agent is dead");
        return TROUBLE_NONE;
    }
    enum trouble kind = choose(call, object);
    if (kind != TROUBLE_NONE)
        trace("call %d of agent %d: %s, %s", world.calls - 1, a->number, object, trouble_name(kind));
    if (++a->calls > CALLS_OF_AGENT_MAX || world.calls > CALLS_MAX) {
        break_law("it goes on for ever", "%s", object);
        a->is_dead = true;
    }
    a->call = object;
    if (kind >= TROUBLE_FIRST_LIE && kind != TROUBLE_OLD_REPLY)
        attack(kind, a, object);
    if (kind == TROUBLE_OLD_REPLY)
        world.is_lied_to = world.is_head_attacked = true;
    if (!is_after(kind))
        befall(a, kind);
    if (wait_for_it(a, kinds[kind].delay_ms, e) == 0 && kind == TROUBLE_CALL_FAILS)
        (void)FAIL(e, ERR_UNAVAILABLE, "the network is down");
    return kind;
}

void trouble_after(struct agent *a, enum trouble kind, struct err *e)
{
    if (is_after(kind))
        befall(a, kind);
    if (wait_for_it(a, CALL_MS, e) == 0 && kind == TROUBLE_REPLY_IS_LOST)
        (void)FAIL(e, ERR_UNAVAILABLE, "the network is down");
}
