#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"

#include "base/banned.h"

/* With ARENA_DEBUG each allocation is a separate malloc, so that AddressSanitizer knows its bounds. */
#ifdef ARENA_DEBUG
enum { CHUNK_BYTES = 0 };
#else
enum { CHUNK_BYTES = 8 * 1024 };
#endif

struct chunk {
    struct chunk *next;
    size_t used, size;
    max_align_t bytes[];
};

struct deferred {
    struct deferred *next;
    void (*fn)(void *);
    void *ptr;
};

struct arena {
    struct chunk *chunks;
    struct deferred *deferred;
};

struct arena *arena_new(void)
{
    return xcalloc(1, sizeof(struct arena));
}

void arena_free(struct arena *a)
{
    if (a == NULL)
        return;
    for (struct deferred *d = a->deferred; d != NULL; d = d->next)
        d->fn(d->ptr);
    while (a->chunks != NULL) {
        struct chunk *next = a->chunks->next;
        free(a->chunks);
        a->chunks = next;
    }
    free(a);
}

void cleanup_arena(struct arena **a)
{
    arena_free(*a);
}

void *arena_alloc(struct arena *a, size_t size)
{
    size_t rounded = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    struct chunk *c = a->chunks;
    if (rounded == 0)
        rounded = sizeof(max_align_t);
    if (c == NULL || c->size - c->used < rounded) {
        size_t room = rounded > CHUNK_BYTES ? rounded : CHUNK_BYTES;
        c = xcalloc(1, sizeof(*c) + room);
        c->size = room;
        c->next = a->chunks;
        a->chunks = c;
    }
    void *ptr = (char *)c->bytes + c->used;
    c->used += rounded;
    return ptr;
}

void *arena_calloc(struct arena *a, size_t count, size_t size)
{
    size_t total = 0;
    if (__builtin_mul_overflow(count, size, &total))
        abort();
    return arena_alloc(a, total);
}

char *arena_strdup(struct arena *a, const char *text)
{
    return text == NULL ? NULL : arena_view_dup(a, view_from(text));
}

char *arena_view_dup(struct arena *a, struct view v)
{
    char *copy = arena_alloc(a, v.len + 1);
    if (v.len > 0)
        memcpy(copy, v.ptr, v.len);
    return copy;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text CLEANUP(cleanup_free) = xvasprintf(format, args);
    va_end(args);
    return arena_view_dup(a, view_from(text));
}

void arena_defer(struct arena *a, void (*fn)(void *), void *ptr)
{
    struct deferred *d = arena_alloc(a, sizeof(*d));
    *d = (struct deferred){.next = a->deferred, .fn = fn, .ptr = ptr};
    a->deferred = d;
}
