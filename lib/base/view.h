/*
 * Borrowed bytes by value: a pointer and a length, not terminated, never owned.
 * A view is valid as long as what it points into. Print with %.*s and VIEW_ARG.
 */
#ifndef BASE_VIEW_H
#define BASE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"

struct view {
    const char *ptr;
    size_t len;
};

#define VIEW_ARG(v)        (int)(v).len, (v).ptr
#define VIEW_LITERAL(text) ((struct view){(text), sizeof(text) - 1})

/* NULL gives the empty view. */
struct view view_from(const char *text);
static inline struct view view_of(const void *bytes, size_t length)
{
    return (struct view){bytes, length};
}
static inline bool view_equal(struct view a, struct view b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
/* Most texts differ in their first character. */
static inline bool view_equal_text(struct view a, const char *text)
{
    return a.len == 0 ? *text == '\0' : *text == *a.ptr && view_equal(a, view_of(text, strlen(text)));
}
bool view_has_prefix(struct view v, const char *prefix);
bool view_has_suffix(struct view v, const char *suffix);
/* Without the first n bytes; n is clipped. */
static inline struct view view_skip(struct view v, size_t n)
{
    if (n > v.len)
        n = v.len;
    return (struct view){n == 0 ? v.ptr : v.ptr + n, v.len - n};
}
/* Spaces, tabs, CR and LF removed from both ends. */
struct view view_trim(struct view v);
/* The part before separator; *rest is what follows it (empty when there is none). */
struct view view_cut(struct view v, char separator, struct view *rest);
/* Decimal digits only, no sign, no overflow. */
bool view_to_u64(struct view v, uint64_t *ret);
/* A terminated copy; the caller frees it. */
char *view_dup(struct view v) MUST_CHECK;

#endif
