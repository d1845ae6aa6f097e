#include "base/view.h"

#include <string.h>

#include "base/alloc.h"

#include "base/banned.h"

struct view view_from(const char *text)
{
    return (struct view){text, text == NULL ? 0 : strlen(text)};
}

bool view_has_prefix(struct view v, const char *prefix)
{
    struct view p = view_from(prefix);
    return v.len >= p.len && view_equal(view_of(v.ptr, p.len), p);
}

bool view_has_suffix(struct view v, const char *suffix)
{
    struct view s = view_from(suffix);
    return v.len >= s.len && view_equal(view_skip(v, v.len - s.len), s);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct view view_trim(struct view v)
{
    while (v.len > 0 && is_blank(v.ptr[0]))
        v = view_skip(v, 1);
    while (v.len > 0 && is_blank(v.ptr[v.len - 1]))
        v.len--;
    return v;
}

struct view view_cut(struct view v, char separator, struct view *rest)
{
    const char *at = v.len == 0 ? NULL : memchr(v.ptr, separator, v.len);
    if (at == NULL) {
        *rest = view_skip(v, v.len);
        return v;
    }
    size_t length = (size_t)(at - v.ptr);
    *rest = view_skip(v, length + 1);
    return view_of(v.ptr, length);
}

bool view_to_u64(struct view v, uint64_t *ret)
{
    uint64_t value = 0;
    if (v.len == 0)
        return false;
    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] < '0' || v.ptr[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(v.ptr[i] - '0'), &value))
            return false;
    }
    *ret = value;
    return true;
}

char *view_dup(struct view v)
{
    return xstrndup(v.ptr == NULL ? "" : v.ptr, v.len);
}
