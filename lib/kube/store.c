#include "kube/store.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#include "base/banned.h"

enum { FIRST_BUCKETS = 16 };

struct store_entry {
    struct store_entry *next; /* in its bucket */
    struct store_entry *after,
        *before; /* all entries in the order of their last put, so old ones come first */
    void *facts;
    uint32_t hash;
    uint16_t mark;
    char key[]; /* namespace, '/', name */
};

struct store {
    struct store_entry **buckets;
    size_t bucket_count, count;
    struct store_entry *first, *last;
    uint16_t mark; /* of current entries; those with another mark are old */
    void (*free_facts)(void *facts);
};

struct store *store_new(void (*free_facts)(void *facts))
{
    struct store *s = xcalloc(1, sizeof(*s));
    s->bucket_count = FIRST_BUCKETS;
    s->buckets = xcalloc(s->bucket_count, sizeof(struct store_entry *));
    s->free_facts = free_facts;
    return s;
}

void store_free(struct store *s)
{
    if (s == NULL)
        return;
    for (struct store_entry *entry = s->first, *after; entry != NULL; entry = after) {
        after = entry->after;
        s->free_facts(entry->facts);
        free(entry);
    }
    free(s->buckets);
    free(s);
}

size_t store_count(const struct store *s)
{
    return s->count;
}

/* FNV-1a: not resistant to chosen names, but only authorised users can create objects. */
static uint64_t hash_bytes(uint64_t hash, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)text[i]) * 0x100000001b3ULL;
    return hash;
}

static uint32_t hash_of(const char *ns, const char *name)
{
    uint64_t hash = hash_bytes(0xcbf29ce484222325ULL, ns, strlen(ns));
    hash = hash_bytes(hash, "/", 1);
    hash = hash_bytes(hash, name, strlen(name));
    return (uint32_t)(hash ^ (hash >> 32));
}

/* The link to that entry, or the one where it would be added. */
static struct store_entry **find(const struct store *s, const char *ns, const char *name)
{
    uint32_t hash = hash_of(ns, name);
    size_t length = strlen(ns);
    struct store_entry **at = &s->buckets[hash & (s->bucket_count - 1)];
    for (; *at != NULL; at = &(*at)->next) {
        struct store_entry *entry = *at;
        if (entry->hash == hash && strncmp(entry->key, ns, length) == 0 && entry->key[length] == '/' &&
            strcmp(entry->key + length + 1, name) == 0)
            break;
    }
    return at;
}

void *store_get(const struct store *s, const char *ns, const char *name)
{
    struct store_entry *entry = *find(s, ns, name);
    return entry == NULL ? NULL : entry->facts;
}

static void grow(struct store *s)
{
    size_t count = s->bucket_count * 2;
    struct store_entry **buckets = xcalloc(count, sizeof(struct store_entry *));
    for (struct store_entry *entry = s->first; entry != NULL; entry = entry->after) {
        struct store_entry **bucket = &buckets[entry->hash & (count - 1)];
        entry->next = *bucket;
        *bucket = entry;
    }
    free(s->buckets);
    s->buckets = buckets;
    s->bucket_count = count;
}

static void unlink_entry(struct store *s, struct store_entry *entry)
{
    if (entry->before != NULL)
        entry->before->after = entry->after;
    else
        s->first = entry->after;
    if (entry->after != NULL)
        entry->after->before = entry->before;
    else
        s->last = entry->before;
}

static void append(struct store *s, struct store_entry *entry)
{
    entry->before = s->last;
    entry->after = NULL;
    if (s->last != NULL)
        s->last->after = entry;
    else
        s->first = entry;
    s->last = entry;
}

void *store_put(struct store *s, const char *ns, const char *name, void *facts)
{
    struct store_entry **at = find(s, ns, name), *entry = *at;
    if (entry != NULL) {
        void *previous = entry->facts;
        entry->facts = facts;
        entry->mark = s->mark;
        unlink_entry(s, entry);
        append(s, entry);
        return previous;
    }
    size_t namespace_length = strlen(ns), name_length = strlen(name);
    entry = xcalloc(1, offsetof(struct store_entry, key) + namespace_length + 1 + name_length + 1);
    entry->hash = hash_of(ns, name);
    entry->mark = s->mark;
    entry->facts = facts;
    memcpy(entry->key, ns, namespace_length);
    entry->key[namespace_length] = '/';
    memcpy(entry->key + namespace_length + 1, name, name_length);
    *at = entry;
    append(s, entry);
    if (++s->count > s->bucket_count)
        grow(s);
    return NULL;
}

static void *take(struct store *s, struct store_entry **at)
{
    struct store_entry *entry = *at;
    void *facts = entry->facts;
    *at = entry->next;
    unlink_entry(s, entry);
    s->count--;
    free(entry);
    return facts;
}

void *store_take(struct store *s, const char *ns, const char *name)
{
    struct store_entry **at = find(s, ns, name);
    return *at == NULL ? NULL : take(s, at);
}

void *store_next(const struct store *s, void **cursor)
{
    /* The cursor is the entry to return next, or the address of `end`. */
    static char end;
    if (*cursor == &end)
        return NULL;
    struct store_entry *entry = *cursor == NULL ? s->first : *cursor;
    if (entry == NULL)
        return NULL;
    *cursor = entry->after != NULL ? (void *)entry->after : &end;
    return entry->facts;
}

void store_mark_all_old(struct store *s)
{
    s->mark++;
}

void *store_take_old(struct store *s)
{
    struct store_entry *entry = s->first;
    if (entry == NULL || entry->mark == s->mark)
        return NULL;
    struct store_entry **at = &s->buckets[entry->hash & (s->bucket_count - 1)];
    while (*at != entry)
        at = &(*at)->next;
    return take(s, at);
}
