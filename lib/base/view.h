/*
 * A string view: a pointer to borrowed bytes and their length. Not terminated, never
 * owned, passed by value, valid as long as what it points into. Print it with %.*s and
 * VIEW_ARG. Pure; nothing fails.
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

/* The empty view for NULL. */
struct view view_from(const char *text);
static inline struct view view_of(const void *bytes, size_t length)
{
    return (struct view){bytes, length};
}
static inline bool view_equal(struct view a, struct view b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
/* Compares the first characters first: most texts differ there. */
static inline bool view_equal_text(struct view a, const char *text)
{
    return a.len == 0 ? *text == '\0' : *text == *a.ptr && view_equal(a, view_of(text, strlen(text)));
}
bool view_has_prefix(struct view v, const char *prefix);
bool view_has_suffix(struct view v, const char *suffix);
/* v without its first n bytes, or empty if it has fewer. */
static inline struct view view_skip(struct view v, size_t n)
{
    if (n > v.len)
        n = v.len;
    return (struct view){n == 0 ? v.ptr : v.ptr + n, v.len - n};
}
/* v without spaces, tabs, CR and LF at both ends. */
struct view view_trim(struct view v);
/* The part before the first separator; *rest is the part after it. Without a separator: all of v, and empty.
 */
struct view view_cut(struct view v, char separator, struct view *rest);
/* Parses decimal digits; false for a sign, any other character, an empty view and an overflow. */
bool view_to_u64(struct view v, uint64_t *ret);
/* A NUL-terminated copy; the caller frees it. */
char *view_dup(struct view v) MUST_CHECK;

#endif
