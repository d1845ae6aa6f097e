#include "kube/framer.h"

#include <string.h>

#include "kube/framer_int.h"

#include "base/banned.h"

enum {
    HEAD_MAX = 64 * 1024,
    ESCAPED_MOST = 6, /* bytes of JSON for one: "\u0001" */
};

/* ---- both forms ---- */
void framer_init(struct framer *f, enum framer_kind kind, size_t max_item_bytes,
                 int (*on_item)(void *context, struct view text, struct err *e), void *context)
{
    *f = (struct framer){.on_item = on_item, .context = context};
    strbuf_init(&f->head, HEAD_MAX);
    strbuf_init(&f->item, max_item_bytes);
    strbuf_init(&f->text, ESCAPED_MOST * max_item_bytes);
    framer_reset(f, kind);
}

void framer_fini(struct framer *f)
{
    strbuf_fini(&f->head);
    strbuf_fini(&f->item);
    strbuf_fini(&f->text);
}

void framer_reset(struct framer *f, enum framer_kind kind)
{
    f->kind = kind;
    strbuf_clear(&f->head);
    strbuf_clear(&f->item);
    f->depth = 0;
    f->left_out = 0;
    f->kept = view_of(NULL, 0);
    f->in_string = f->is_escaped = f->in_items = f->is_complete = false;
    f->has_magic = f->in_list = false;
    f->message = NULL;
    f->header_length = 0;
    f->piece_left = f->list_left = 0;
    f->piece = NULL;
}

void framer_expect_protobuf(struct framer *f, const struct wire_message *message)
{
    f->message = message;
}

/* ---- JSON ---- */
/* The depth around the items: 0 in a watch, that of the array in a list. */
static unsigned base_depth(const struct framer *f)
{
    return f->in_items ? 2 : 0;
}

static bool is_in_item(const struct framer *f)
{
    return f->kind == FRAMER_WATCH || f->in_items;
}

/* The depth of the members of metadata: item, in a watch its object, then metadata. */
static unsigned metadata_depth(const struct framer *f)
{
    return f->kind == FRAMER_WATCH ? 3 : 4;
}

static void flush(struct framer *f)
{
    strbuf_add_view(is_in_item(f) ? &f->item : &f->head, f->kept);
    f->kept.len = 0;
}

/* Extends the run of bytes to copy, so that there are few copies. */
static void keep(struct framer *f, const char *from, const char *to)
{
    if (f->left_out != 0)
        return;
    if (f->kept.len > 0 && f->kept.ptr + f->kept.len == from) {
        f->kept.len += (size_t)(to - from);
        return;
    }
    flush(f);
    f->kept = view_of(from, (size_t)(to - from));
}

/* Checked at the end of each item, and at the end of the bytes: an item may never end. */
static int check_size(const struct framer *f, struct err *e)
{
    if (strbuf_overflowed(&f->item))
        return FAIL(e, ERR_TOO_LARGE, "an object is larger than %zu bytes", f->item.max);
    return strbuf_overflowed(&f->head) ? FAIL(e, ERR_TOO_LARGE, "the metadata of a list is too large") : 0;
}

static int end_item(struct framer *f, struct err *e)
{
    flush(f);
    if (check_size(f, e) < 0)
        return -1;
    int result = f->on_item(f->context, strbuf_view(&f->item), e);
    strbuf_clear(&f->item);
    return result;
}

static bool head_ends_with_items_key(const struct framer *f)
{
    struct view head = strbuf_view(&f->head);
    return f->depth == 1 && (view_has_suffix(head, "{\"items\":") || view_has_suffix(head, ",\"items\":"));
}

static bool is_left_out(const struct framer *f)
{
    return f->left_out == 0 && f->depth == metadata_depth(f) && is_in_item(f) &&
           view_has_suffix(strbuf_view(&f->item), "\"managedFields\":");
}

static void open_bracket(struct framer *f, const char *at)
{
    if (*at == '[')
        flush(f);
    bool is_items = f->kind == FRAMER_LIST && !f->in_items && *at == '[' && head_ends_with_items_key(f);
    bool is_dropped = *at == '[' && is_left_out(f);
    keep(f, at, at + 1);
    if (is_items)
        flush(f);
    f->depth++;
    if (is_items)
        f->in_items = true;
    if (is_dropped)
        f->left_out = f->depth;
}

static int close_bracket(struct framer *f, const char *at, struct err *e)
{
    if (f->depth == 0)
        return FAIL(e, ERR_PROTOCOL, "the API server sent malformed JSON: an unmatched bracket");
    if (f->depth == f->left_out)
        f->left_out = 0;
    f->depth--;
    if (f->in_items && f->depth < base_depth(f)) {
        flush(f);
        f->in_items = false;
        keep(f, at, at + 1);
        return 0;
    }
    keep(f, at, at + 1);
    if (is_in_item(f))
        return f->depth == base_depth(f) ? end_item(f, e) : 0;
    f->is_complete = f->depth == 0;
    return 0;
}

/* Number of backslashes directly before `at`, not before `from`. */
static size_t backslashes(const char *from, const char *at)
{
    size_t n = 0;
    while (at > from && at[-1] == '\\') {
        at--;
        n++;
    }
    return n;
}

/* Skips the rest of a string and its closing quote. */
static const char *skip_string(struct framer *f, const char *at, const char *end)
{
    if (f->is_escaped && at < end) {
        f->is_escaped = false;
        at++;
    }
    while (at < end && f->in_string) {
        const char *quote = memchr(at, '"', (size_t)(end - at)), *stop = quote != NULL ? quote : end;
        bool is_escaped = backslashes(at, stop) % 2 == 1;
        f->in_string = quote == NULL || is_escaped;
        f->is_escaped = quote == NULL && is_escaped;
        at = quote != NULL ? quote + 1 : end;
    }
    return at;
}

/* Skips numbers, literals, colons and commas. */
static const char *skip_plain(const char *at, const char *end)
{
    while (at<end && * at> ' ' && *at != '"' && *at != '{' && *at != '}' && *at != '[' && *at != ']')
        at++;
    return at;
}

/* Between the items of a list there are only commas, in a watch nothing. */
static int check_between(const struct framer *f, char c, struct err *e)
{
    if (!is_in_item(f) || f->depth != base_depth(f) || (c == ',' && f->in_items))
        return 0;
    return FAIL(e, ERR_PROTOCOL, "the API server sent malformed JSON: an item is not an object");
}

/* Handles one token outside of strings; advances *at by at least one byte. */
static int step(struct framer *f, const char **at, const char *end, struct err *e)
{
    const char *from = *at;
    *at = from + 1;
    switch (*from) {
    case '{':
    case '[': open_bracket(f, from); return 0;
    case '}':
    case ']': return close_bracket(f, from, e);
    case ' ':
    case '\t':
    case '\r':
    case '\n': return 0;
    default: break;
    }
    if (check_between(f, *from, e) < 0)
        return -1;
    if (*from == '"') {
        f->in_string = true;
        *at = skip_string(f, *at, end);
    } else if (is_in_item(f) && f->depth == base_depth(f)) {
        return 0;
    } else {
        *at = skip_plain(*at, end);
    }
    keep(f, from, *at);
    return 0;
}

static int feed_json(struct framer *f, const char *at, size_t length, struct err *e)
{
    const char *end = at + length;
    while (at < end) {
        const char *from = at;
        if (f->in_string) {
            at = skip_string(f, at, end);
            keep(f, from, at);
        } else if (step(f, &at, end, e) < 0) {
            return -1;
        }
    }
    flush(f);
    return check_size(f, e);
}

int framer_feed(struct framer *f, const void *bytes, size_t length, struct err *e)
{
    if (f->message != NULL)
        return framer_feed_protobuf(f, view_of(bytes, length), e);
    return feed_json(f, bytes, length, e);
}
