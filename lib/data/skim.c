#include "data/skim.h"

#include <string.h>

#include "base/alloc.h"

#include "base/banned.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static const char *skip_spaces(const char *at, const char *end)
{
    while (at < end && is_space(*at))
        at++;
    return at;
}

/* at is after the opening quote; returns the position after the closing one. */
static const char *skip_string(const char *at, const char *end)
{
    const char *quote;
    while ((quote = memchr(at, '"', (size_t)(end - at))) != NULL) {
        const char *back = quote;
        while (back > at && back[-1] == '\\')
            back--;
        at = quote + 1;
        if ((quote - back) % 2 == 0)
            return at;
    }
    return end;
}

/* at is on the opening bracket. */
static const char *skip_nested(const char *at, const char *end)
{
    size_t depth = 0;
    while (at < end) {
        char c = *at++;
        if (c == '"')
            at = skip_string(at, end);
        else if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0)
            return at;
    }
    return end;
}

static const char *skip_value(const char *at, const char *end)
{
    if (at == end)
        return end;
    if (*at == '"')
        return skip_string(at + 1, end);
    if (*at == '{' || *at == '[')
        return skip_nested(at, end);
    while (at < end && *at != ',' && *at != '}' && *at != ']' && !is_space(*at))
        at++;
    return at;
}

static struct view between(const char *from, const char *to)
{
    return view_of(from, (size_t)(to - from));
}

struct skim skim_open(struct view value)
{
    return (struct skim){view_skip(value, 1)};
}

/* An absent value is no text at all: nothing may be added to its NULL, not even 0. */
static const char *end_of(const struct skim *s)
{
    return s->rest.len == 0 ? s->rest.ptr : s->rest.ptr + s->rest.len;
}

static void move_to(struct skim *s, const char *at)
{
    s->rest = between(at, end_of(s));
}

bool skim_name(struct skim *s, struct view *ret_name)
{
    const char *at = s->rest.ptr, *end = end_of(s);
    *ret_name = view_of(NULL, 0);
    while (at < end && (is_space(*at) || *at == ','))
        at++;
    if (at < end && *at == '"') {
        const char *after = skip_string(at + 1, end), *colon = skip_spaces(after, end);
        if (colon < end && *colon == ':') {
            *ret_name = between(at + 1, after - 1);
            at = skip_spaces(colon + 1, end);
        }
    }
    bool is_end = at == end || *at == '}' || *at == ']';
    move_to(s, is_end && at < end ? at + 1 : at);
    return !is_end;
}

struct view skim_value(struct skim *s)
{
    struct view value = between(s->rest.ptr, skip_value(s->rest.ptr, end_of(s)));
    move_to(s, value.ptr + value.len);
    return view_equal_text(value, "null") ? view_of(NULL, 0) : value;
}

bool skim_enter(struct skim *s)
{
    if (s->rest.len > 0 && (s->rest.ptr[0] == '{' || s->rest.ptr[0] == '[')) {
        s->rest = view_skip(s->rest, 1);
        return true;
    }
    (void)skim_value(s);
    return false;
}

bool skim_next(struct skim *s, struct view *ret_name, struct view *ret_value)
{
    if (!skim_name(s, ret_name))
        return false;
    *ret_value = skim_value(s);
    return true;
}

void skim_members(struct view object, const char *const *names, size_t count, struct view *ret)
{
    struct skim s = skim_open(object);
    struct view name, value;
    for (size_t i = 0; i < count; i++)
        ret[i] = view_of(NULL, 0);
    while (skim_next(&s, &name, &value))
        for (size_t i = 0; i < count; i++)
            if (view_equal_text(name, names[i]))
                ret[i] = value;
}

struct view skim_at(struct view object, const char *path)
{
    struct view rest = view_from(path);
    while (rest.len > 0 && object.len > 0) {
        struct view wanted = view_cut(rest, '.', &rest), name, value;
        struct skim s = skim_open(object);
        object = view_of(NULL, 0);
        while (object.len == 0 && skim_next(&s, &name, &value))
            if (view_equal(name, wanted))
                object = value;
    }
    return object;
}

struct view skim_text(struct view value)
{
    if (value.len < 2 || value.ptr[0] != '"' || value.ptr[value.len - 1] != '"')
        return view_of(NULL, 0);
    return view_of(value.ptr + 1, value.len - 2);
}

bool skim_is(struct view value, const char *text)
{
    return value.len > 0 && value.ptr[0] == '"' && view_equal_text(skim_text(value), text);
}

/* ---- escapes ---- */
static uint32_t hex4(const char *digits)
{
    uint32_t n = 0;
    for (int i = 0; i < 4; i++) {
        char c = digits[i];
        n = n << 4 | (uint32_t)(c >= '0' && c <= '9' ? c - '0' : ((c | 0x20) - 'a' + 10) & 15);
    }
    return n;
}

static size_t put_utf8(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const uint8_t firsts[] = {0, 0xC0, 0xE0, 0xF0};
    out[0] = (char)(firsts[more] | c >> 6 * more);
    for (size_t i = 1; i <= more; i++)
        out[i] = (char)(0x80 | (c >> 6 * (more - i) & 0x3F));
    return more + 1;
}

/* text begins after "\u"; *used is the length of the escape: 4, or 10 for a surrogate pair. */
static uint32_t unicode_at(struct view text, size_t *used)
{
    uint32_t c = hex4(text.ptr);
    *used = 4;
    if (c >= 0xD800 && c < 0xDC00 && text.len >= 10 && text.ptr[4] == '\\' && text.ptr[5] == 'u') {
        *used = 10;
        c = 0x10000 + ((c & 0x3FF) << 10) + (hex4(text.ptr + 6) & 0x3FF);
    }
    return c;
}

size_t skim_unescape(struct view text, char *out)
{
    static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
    size_t length = 0;
    while (text.len > 0) {
        const char *letter;
        size_t used = 2;
        if (text.ptr[0] != '\\' || text.len < 2) {
            out[length++] = text.ptr[0];
            used = 1;
        } else if (text.ptr[1] == 'u' && text.len >= 6) {
            length += put_utf8(unicode_at(view_skip(text, 2), &used), out + length);
            used += 2;
        } else {
            letter = strchr(letters, text.ptr[1]);
            out[length++] = letter != NULL && *letter != '\0' ? meanings[letter - letters] : text.ptr[1];
        }
        text = view_skip(text, used);
    }
    out[length] = '\0';
    return length;
}

/* ---- hashes ---- */
uint64_t skim_hash_mix(uint64_t h)
{
    h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ h >> 33;
}

/* Eight bytes at a time, in this machine's byte order: stored hashes must be compared by machines of the same
 * order. */
uint64_t skim_hash_text(struct view text)
{
    uint64_t h = text.len + UINT64_C(0x9e3779b97f4a7c15), word;
    for (; text.len >= sizeof(word); text = view_of(text.ptr + sizeof(word), text.len - sizeof(word))) {
        memcpy(&word, text.ptr, sizeof(word));
        h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
        h ^= h >> 32;
    }
    word = 0;
    if (text.len > 0)
        memcpy(&word, text.ptr, text.len);
    return skim_hash_mix(h ^ word);
}

static uint64_t hash_escaped(struct view text)
{
    char *plain CLEANUP(cleanup_free) = xmalloc(text.len + 1);
    return skim_hash_text(view_of(plain, skim_unescape(text, plain)));
}

static uint64_t hash_scalar(struct view value)
{
    struct view text = skim_text(value);
    if (value.len == 0)
        return 0;
    if (value.ptr[0] != '"')
        return skim_hash_text(value) + 1;
    return memchr(value.ptr, '\\', value.len) == NULL ? skim_hash_text(text) : hash_escaped(text);
}

uint64_t skim_hash(struct skim *s)
{
    if (s->rest.len == 0 || (s->rest.ptr[0] != '{' && s->rest.ptr[0] != '['))
        return hash_scalar(skim_value(s));
    bool is_object = s->rest.ptr[0] == '{';
    uint64_t h = 0;
    struct view name;
    (void)skim_enter(s);
    while (skim_name(s, &name)) {
        uint64_t value = skim_hash(s);
        if (!is_object)
            h = skim_hash_mix(h * 5 + value + 1);
        else if (value != 0)
            h += skim_hash_mix(skim_hash_text(name) * 3 + value);
    }
    return skim_hash_mix(h + (is_object ? 7 : 11));
}

int64_t skim_int(struct view value, int64_t fallback)
{
    bool is_negative = value.len > 0 && value.ptr[0] == '-';
    uint64_t n, most = (uint64_t)INT64_MAX + (is_negative ? 1 : 0);
    if (!view_to_u64(view_skip(value, is_negative ? 1 : 0), &n) || n > most)
        return fallback;
    return (int64_t)(is_negative ? 0 - n : n);
}
