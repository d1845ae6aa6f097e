/*
 * Memory allocation that cannot fail: the process aborts with a message when memory is
 * exhausted. Cloister is crash-only (docs/development.md), so there is no recovery path
 * to test. The caller owns the result and frees it with free().
 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/attr.h"

void *xmalloc(size_t size) MUST_CHECK RETURNS_NONNULL;
/* Zeroed. Aborts when count * size overflows. */
void *xcalloc(size_t count, size_t size) MUST_CHECK RETURNS_NONNULL;
/* Array of count elements of size bytes; aborts on overflow. */
void *xreallocarray(void *ptr, size_t count, size_t size) MUST_CHECK RETURNS_NONNULL;
char *xstrdup(const char *text) MUST_CHECK RETURNS_NONNULL;
/* Copies exactly length bytes of text, which must have at least that many, and adds a terminator. */
char *xstrndup(const char *text, size_t length) MUST_CHECK RETURNS_NONNULL;
char *xasprintf(const char *format, ...) MUST_CHECK RETURNS_NONNULL PRINTF_LIKE(1, 2);
char *xvasprintf(const char *format, va_list args) MUST_CHECK RETURNS_NONNULL PRINTF_LIKE(1, 0);

/* free(*ptr) for CLEANUP: char *name CLEANUP(cleanup_free) = NULL; */
static inline void cleanup_free(void *ptr)
{
    free(*(void **)ptr);
}

#endif
