/*
 * A growable buffer with a mandatory size limit.
 *
 * What would exceed the limit is dropped and sets a sticky flag; the writer checks it
 * once at the end with strbuf_overflowed(). The content is always NUL-terminated. The
 * buffer owns its bytes; strbuf_take hands them over. The process aborts when memory
 * is exhausted. Not for secrets.
 */
#ifndef BASE_STRBUF_H
#define BASE_STRBUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/view.h"

struct strbuf {
    char *data; /* NULL until something is added */
    size_t len;
    size_t capacity;
    size_t max; /* bytes, without the terminator */
    bool overflowed;
};

#define STRBUF(max_bytes)                                                                                    \
    {                                                                                                        \
        .max = (max_bytes)                                                                                   \
    }

void strbuf_init(struct strbuf *sb, size_t max_bytes);
/* Frees the bytes; sb is then empty, with the same limit. */
void strbuf_fini(struct strbuf *sb);
/* Empties sb and clears the overflow flag; keeps the memory. */
void strbuf_clear(struct strbuf *sb);
void strbuf_add(struct strbuf *sb, const void *bytes, size_t length);
void strbuf_add_text(struct strbuf *sb, const char *text);
void strbuf_add_view(struct strbuf *sb, struct view v);
static inline void strbuf_add_char(struct strbuf *sb, char c)
{
    if (sb->overflowed || sb->len + 1 >= sb->capacity) {
        strbuf_add(sb, &c, 1);
        return;
    }
    sb->data[sb->len++] = c;
    sb->data[sb->len] = '\0';
}
void strbuf_addf(struct strbuf *sb, const char *format, ...) PRINTF_LIKE(2, 3);
/* Removes the first n bytes, or all if there are fewer. */
void strbuf_consume(struct strbuf *sb, size_t n);
bool strbuf_overflowed(const struct strbuf *sb);
struct view strbuf_view(const struct strbuf *sb);
/* The terminated content, "" when empty; valid until the next change. */
const char *strbuf_text(const struct strbuf *sb);
/* The terminated content, which the caller frees; sb is empty afterwards. */
char *strbuf_take(struct strbuf *sb) MUST_CHECK RETURNS_NONNULL;

#endif
