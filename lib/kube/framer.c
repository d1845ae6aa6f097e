#include "kube/framer.h"

#include <string.h>

#include "base/banned.h"

enum { HEAD_MAX = 64 * 1024 };

void framer_init(struct framer *f, enum framer_kind kind, size_t max_item_bytes,
                 int (*on_item)(void *context, struct view text, struct err *e), void *context)
{
    *f = (struct framer){.on_item = on_item, .context = context};
    strbuf_init(&f->head, HEAD_MAX);
    strbuf_init(&f->item, max_item_bytes);
    framer_reset(f, kind);
}

void framer_fini(struct framer *f)
{
    strbuf_fini(&f->head);
    strbuf_fini(&f->item);
}

void framer_reset(struct framer *f, enum framer_kind kind)
{
    f->kind = kind;
    strbuf_clear(&f->head);
    strbuf_clear(&f->item);
    f->depth = 0;
    f->in_string = f->is_escaped = f->in_items = f->is_complete = false;
}

/* At this depth lies what surrounds the items: nothing in a watch, the array in a list. */
static unsigned base_depth(const struct framer *f)
{
    return f->in_items ? 2 : 0;
}

static bool is_in_item(const struct framer *f)
{
    return f->kind == FRAMER_WATCH || f->in_items;
}

/* Items become too large one at a time, so the buffer's flag is checked where an item ends. */
static int end_item(struct framer *f, struct err *e)
{
    if (strbuf_overflowed(&f->item))
        return FAIL(e, ERR_TOO_LARGE, "an object of more than %zu bytes", f->item.max);
    int result = f->on_item(f->context, strbuf_view(&f->item), e);
    strbuf_clear(&f->item);
    return result;
}

static bool head_ends_with_items_key(const struct framer *f)
{
    struct view head = strbuf_view(&f->head);
    return f->depth == 1 && (view_has_suffix(head, "{\"items\":") || view_has_suffix(head, ",\"items\":"));
}

static int open_bracket(struct framer *f, char c)
{
    bool is_items = f->kind == FRAMER_LIST && !f->in_items && c == '[' && head_ends_with_items_key(f);
    if (is_in_item(f))
        strbuf_add_char(&f->item, c);
    else
        strbuf_add_char(&f->head, c);
    f->depth++;
    if (is_items)
        f->in_items = true;
    return 0;
}

static int close_bracket(struct framer *f, char c, struct err *e)
{
    if (f->depth == 0)
        return FAIL(e, ERR_PROTOCOL, "a bracket too many in the answer of the API server");
    f->depth--;
    if (f->in_items && f->depth < base_depth(f)) {
        f->in_items = false;
        strbuf_add_char(&f->head, c);
        return 0;
    }
    if (!is_in_item(f)) {
        strbuf_add_char(&f->head, c);
        f->is_complete = f->depth == 0;
        return strbuf_overflowed(&f->head) ? FAIL(e, ERR_TOO_LARGE, "a list's head is too large") : 0;
    }
    strbuf_add_char(&f->item, c);
    return f->depth == base_depth(f) ? end_item(f, e) : 0;
}

/* One character outside of strings. */
static int structure(struct framer *f, char c, struct err *e)
{
    switch (c) {
    case '{':
    case '[': return open_bracket(f, c);
    case '}':
    case ']': return close_bracket(f, c, e);
    case ' ':
    case '\t':
    case '\r':
    case '\n': return 0;
    case '"': f->in_string = true; break;
    default: break;
    }
    if (is_in_item(f) && f->depth == base_depth(f))
        return c == ',' && f->in_items ? 0 : FAIL(e, ERR_PROTOCOL, "something that is no object in a stream");
    strbuf_add_char(is_in_item(f) ? &f->item : &f->head, c);
    return 0;
}

/* Copies the part of a string that is there; returns how many bytes were used. */
static size_t string_part(struct framer *f, const char *at, size_t length)
{
    size_t used = 0;
    while (used < length && f->in_string) {
        char c = at[used++];
        if (f->is_escaped)
            f->is_escaped = false;
        else if (c == '\\')
            f->is_escaped = true;
        else if (c == '"')
            f->in_string = false;
    }
    strbuf_add(is_in_item(f) ? &f->item : &f->head, at, used);
    return used;
}

int framer_feed(struct framer *f, const void *bytes, size_t length, struct err *e)
{
    const char *at = bytes, *end = at + length;
    while (at < end) {
        if (f->in_string)
            at += string_part(f, at, (size_t)(end - at));
        else if (structure(f, *at++, e) < 0)
            return -1;
    }
    return 0;
}
