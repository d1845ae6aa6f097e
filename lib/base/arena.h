/*
 * Memory that is freed all at once, such as everything that one reconcile needs.
 *
 * arena_alloc returns zeroed memory and never NULL. arena_free runs the functions of
 * arena_defer in reverse order. Not for secrets, caches or anything that must outlive
 * the arena. With ARENA_DEBUG each allocation is a separate malloc, so that
 * AddressSanitizer finds overruns.
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
/* Returns NULL for NULL. */
char *arena_strdup(struct arena *a, const char *text) MUST_CHECK;
char *arena_view_dup(struct arena *a, struct view v) MUST_CHECK RETURNS_NONNULL;
char *arena_printf(struct arena *a, const char *format, ...) MUST_CHECK RETURNS_NONNULL PRINTF_LIKE(2, 3);
/* Calls fn(ptr) in arena_free. */
void arena_defer(struct arena *a, void (*fn)(void *), void *ptr);

#endif
