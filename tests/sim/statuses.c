/* Statuses as the API server keeps them: through JSON, each once. */
#include <string.h>

#include "api/status_json.h"
#include "base/alloc.h"
#include "data/js.h"
#include "sim.h"

#include "base/banned.h"

enum { BUCKETS = 1 << 16 };

struct entry {
    struct job_status status;
    char *text;
    uint32_t shape;
    uint32_t next; /* of the bucket, 0 = none */
};

static struct entry *
    *entries; /* number 0 is no status; chunks stay where they are, for they are pointed at */
static uint32_t count, capacity;
static uint32_t *buckets;
static struct arena *arena;

static uint64_t mix(uint64_t h, const void *bytes, size_t n)
{
    const unsigned char *b = bytes;
    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * UINT64_C(0x100000001b3);
    return h;
}

static uint64_t mix_text(uint64_t h, const char *text)
{
    return mix(h, text, strlen(text) + 1);
}

static uint64_t mix_number(uint64_t h, int64_t n)
{
    return mix(h, &n, sizeof(n));
}

static uint32_t shape_of(const struct job_status *s)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    const int64_t numbers[] = {s->phase,
                               s->attempt,
                               s->restarts,
                               s->disruptions,
                               s->backoff_failures,
                               s->observed_generation,
                               s->workers.ready,
                               s->workers.active,
                               s->workers.succeeded,
                               s->workers.failed,
                               s->backoff_until_us != 0,
                               (int64_t)s->failure_count,
                               (int64_t)s->node_count};
    h = mix(h, numbers, sizeof(numbers));
    h = mix_text(mix_text(h, s->reason), s->output.uri);
    h = mix_text(h, s->workers.completed_indexes);
    for (size_t i = 0; i < s->condition_count; i++)
        h = mix_text(mix_text(h, s->conditions[i].type), s->conditions[i].status);
    for (size_t i = 0; i < s->failure_count; i++)
        h = mix_text(mix_text(mix_number(h, s->failures[i].attempt), s->failures[i].reason),
                     s->failures[i].pod);
    for (size_t i = 0; i < s->node_count; i++)
        h = mix_text(h, s->nodes[i]);
    return (uint32_t)(h ^ (h >> 32));
}

static uint32_t add(json_t *tree, char *text, uint32_t bucket)
{
    if (count == capacity) {
        capacity = capacity ? capacity * 2 : 1024;
        entries = xreallocarray(entries, capacity, sizeof(*entries));
    }
    struct entry *e = arena_alloc(arena, sizeof(*e));
    status_decode(js_keep(arena, json_incref(tree)), arena, &e->status);
    e->text = arena_strdup(arena, text);
    e->shape = shape_of(&e->status);
    e->next = buckets[bucket];
    entries[count] = e;
    buckets[bucket] = ++count;
    return count;
}

uint32_t status_number(const struct job_status *status)
{
    if (arena == NULL) {
        arena = arena_new();
        buckets = xcalloc(BUCKETS, sizeof(*buckets));
    }
    json_t *tree = status_encode(status);
    char *text = json_dumps(tree, JSON_COMPACT);
    uint32_t bucket = (uint32_t)(mix_text(UINT64_C(0xcbf29ce484222325), text) % BUCKETS);
    uint32_t n = buckets[bucket];
    while (n && strcmp(entries[n - 1]->text, text) != 0)
        n = entries[n - 1]->next;
    if (!n)
        n = add(tree, text, bucket);
    free(text);
    json_decref(tree);
    return n;
}

static const struct job_status *nothing(void)
{
    static struct job_status none;
    static bool is_made;
    if (!is_made)
        status_init(&none);
    is_made = true;
    return &none;
}

const struct job_status *status_of(uint32_t number)
{
    return number ? &entries[number - 1]->status : nothing();
}

uint32_t status_shape(uint32_t number)
{
    return number ? entries[number - 1]->shape : 0;
}

void statuses_forget(void)
{
    if (arena == NULL)
        return;
    arena_free(arena);
    free(buckets);
    free(entries);
    arena = NULL;
    buckets = NULL;
    entries = NULL;
    count = capacity = 0;
}
