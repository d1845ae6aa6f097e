/*
 * Memory with the lifetime of one pass: everything is freed together.
 * arena_alloc returns zeroed memory and never NULL. arena_defer runs clean-ups
 * in reverse order at arena_free. Not for secrets, caches or anything that
 * outlives the pass. Built with ARENA_DEBUG, each allocation is a malloc of its
 * own, so that AddressSanitizer sees inside.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/view.h"

struct arena;

struct arena *arena_new(void) MUST_CHECK RETURNS_NONNULL;
/* NULL is fine. */
void arena_free(struct arena *a);
void cleanup_arena(struct arena **a);

/* Aligned for any type, zeroed. */
void *arena_alloc(struct arena *a, size_t size) MUST_CHECK RETURNS_NONNULL;
void *arena_calloc(struct arena *a, size_t count, size_t size) MUST_CHECK RETURNS_NONNULL;
/* NULL stays NULL. */
char *arena_strdup(struct arena *a, const char *text) MUST_CHECK;
char *arena_view_dup(struct arena *a, struct view v) MUST_CHECK RETURNS_NONNULL;
char *arena_printf(struct arena *a, const char *format, ...) MUST_CHECK RETURNS_NONNULL PRINTF_LIKE(2, 3);
void arena_defer(struct arena *a, void (*fn)(void *), void *ptr);

#endif
