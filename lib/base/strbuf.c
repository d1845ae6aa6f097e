#include "base/strbuf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

#include "base/banned.h"

void strbuf_init(struct strbuf *sb, size_t max_bytes)
{
    *sb = (struct strbuf)STRBUF(max_bytes);
}

void strbuf_fini(struct strbuf *sb)
{
    free(sb->data);
    strbuf_init(sb, sb->max);
}

void strbuf_clear(struct strbuf *sb)
{
    sb->len = 0;
    sb->overflowed = false;
    if (sb->data != NULL)
        sb->data[0] = '\0';
}

/* Makes room for length more bytes and the terminator; false when that would exceed the limit. */
static bool reserve(struct strbuf *sb, size_t length)
{
    assert(sb->max > 0);
    if (sb->overflowed || length > sb->max - sb->len) {
        sb->overflowed = true;
        return false;
    }
    size_t needed = sb->len + length + 1;
    if (needed > sb->capacity) {
        size_t capacity = sb->capacity < 64 ? 64 : sb->capacity * 2;
        if (capacity > sb->max + 1)
            capacity = sb->max + 1;
        if (capacity < needed)
            capacity = needed;
        sb->data = xreallocarray(sb->data, capacity, 1);
        sb->capacity = capacity;
    }
    return true;
}

void strbuf_add(struct strbuf *sb, const void *bytes, size_t length)
{
    if (length == 0 || !reserve(sb, length))
        return;
    memcpy(sb->data + sb->len, bytes, length);
    sb->len += length;
    sb->data[sb->len] = '\0';
}

void strbuf_add_text(struct strbuf *sb, const char *text)
{
    strbuf_add(sb, text, strlen(text));
}

void strbuf_add_view(struct strbuf *sb, struct view v)
{
    strbuf_add(sb, v.ptr, v.len);
}

void strbuf_addf(struct strbuf *sb, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length >= 0 && reserve(sb, (size_t)length)) {
        vsnprintf(sb->data + sb->len, (size_t)length + 1, format, again);
        sb->len += (size_t)length;
    }
    va_end(again);
}

void strbuf_consume(struct strbuf *sb, size_t n)
{
    if (n > sb->len)
        n = sb->len;
    if (n == 0)
        return;
    memmove(sb->data, sb->data + n, sb->len - n + 1);
    sb->len -= n;
}

bool strbuf_overflowed(const struct strbuf *sb)
{
    return sb->overflowed;
}

struct view strbuf_view(const struct strbuf *sb)
{
    return view_of(strbuf_text(sb), sb->len);
}

const char *strbuf_text(const struct strbuf *sb)
{
    return sb->data == NULL ? "" : sb->data;
}

char *strbuf_take(struct strbuf *sb)
{
    char *text = sb->data == NULL ? xstrdup("") : sb->data;
    strbuf_init(sb, sb->max);
    return text;
}
