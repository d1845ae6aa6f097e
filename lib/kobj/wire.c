#include "kobj/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/rfc3339.h"
#include "base/utf8.h"
#include "data/protobuf.h"
#include "kobj/wire_meta.h"

#include "base/banned.h"

/* The times that Go formats as RFC 3339: the years 1 to 9999. */
#define TIME_FIRST INT64_C(-62135596800)
#define TIME_LAST  INT64_C(253402300799)

struct json_writer {
    struct strbuf *out;
    bool is_broken; /* checked once, at the end */
};

static void write_members(struct json_writer *w, const struct wire_message *m, struct view bytes,
                          bool *has_some);

/* ---- values ---- */
/* Sets the highest bit of each byte that is less than limit, which is at most 0x80. */
static uint64_t bytes_below(uint64_t word, uint8_t limit)
{
    const uint64_t ones = UINT64_MAX / 0xFF;
    return (word - ones * limit) & ~word & ones * 0x80;
}

/* A lower bound of the number of leading ASCII characters that need no escape; checks eight at a time. */
static size_t plain_words(struct view text)
{
    const uint64_t ones = UINT64_MAX / 0xFF;
    size_t at = 0;
    for (uint64_t word; text.len - at >= sizeof(word); at += sizeof(word)) {
        memcpy(&word, text.ptr + at, sizeof(word));
        if ((bytes_below(word, 0x20) | bytes_below(word ^ ones * '"', 1) |
             bytes_below(word ^ ones * '\\', 1) | (word & ones * 0x80)) != 0)
            break;
    }
    return at;
}

static size_t plain_length(struct view text)
{
    size_t at = plain_words(text);
    while (at < text.len && (unsigned char)text.ptr[at] >= 0x20 && (unsigned char)text.ptr[at] < 0x80 &&
           text.ptr[at] != '"' && text.ptr[at] != '\\')
        at++;
    return at;
}

/* Writes a character that plain_length stops at and returns its length. A string in protobuf may be invalid
 * UTF-8, JSON may not. */
static size_t write_special(struct json_writer *w, struct view text)
{
    size_t length = utf8_length(text);
    if (length == 0)
        strbuf_add_text(w->out, UTF8_REPLACEMENT);
    else if (length > 1)
        strbuf_add(w->out, text.ptr, length);
    else if ((unsigned char)text.ptr[0] < 0x20)
        strbuf_addf(w->out, "\\u%04x", (unsigned)text.ptr[0]);
    else
        strbuf_addf(w->out, "\\%c", text.ptr[0]);
    return length == 0 ? 1 : length;
}

static void write_text(struct json_writer *w, struct view text)
{
    strbuf_add_char(w->out, '"');
    while (text.len > 0) {
        size_t length = plain_length(text);
        strbuf_add(w->out, text.ptr, length);
        text = view_skip(text, length);
        if (text.len > 0)
            text = view_skip(text, write_special(w, text));
    }
    strbuf_add_char(w->out, '"');
}

static void write_hex(struct json_writer *w, struct view bytes)
{
    static const char digits[] = "0123456789abcdef";
    strbuf_add_char(w->out, '"');
    for (size_t i = 0; i < bytes.len; i++) {
        strbuf_add_char(w->out, digits[(unsigned char)bytes.ptr[i] >> 4]);
        strbuf_add_char(w->out, digits[(unsigned char)bytes.ptr[i] & 15]);
    }
    strbuf_add_char(w->out, '"');
}

/* Seconds and nanoseconds, of which JSON has the seconds only. An unset time is an empty message. */
static void write_time(struct json_writer *w, struct view bytes)
{
    struct protobuf p = protobuf_open(bytes);
    struct protobuf_field f;
    int64_t seconds = 0;
    char text[RFC3339_SIZE];
    while (protobuf_next(&p, &f))
        if (f.number == 1)
            seconds = (int64_t)f.value;
    if (p.is_broken || seconds < TIME_FIRST || seconds > TIME_LAST) {
        w->is_broken = true;
    } else if (bytes.len == 0) {
        strbuf_add_text(w->out, "null");
    } else {
        rfc3339_format_seconds(seconds * 1000000, text);
        write_text(w, view_from(text));
    }
}

/* The first length-delimited field with that number; empty when there is none. */
static struct view bytes_at(struct json_writer *w, struct view message, uint32_t number)
{
    struct protobuf p = protobuf_open(message);
    struct protobuf_field f;
    while (protobuf_next(&p, &f))
        if (f.number == number && f.type == PROTOBUF_BYTES)
            return f.bytes;
    w->is_broken = w->is_broken || p.is_broken;
    return view_of(NULL, 0);
}

static void write_map_entry(struct json_writer *w, struct view entry)
{
    write_text(w, bytes_at(w, entry, 1));
    strbuf_add_char(w->out, ':');
    write_text(w, bytes_at(w, entry, 2));
}

static void write_message(struct json_writer *w, const struct wire_message *m, struct view bytes)
{
    bool has_some = false;
    strbuf_add_char(w->out, '{');
    write_members(w, m, bytes, &has_some);
    strbuf_add_char(w->out, '}');
}

static void write_value(struct json_writer *w, const struct wire_member *m, const struct protobuf_field *f)
{
    switch (m->kind) {
    case WIRE_TEXT: write_text(w, f->bytes); break;
    case WIRE_BOOL: strbuf_add_text(w->out, f->value != 0 ? "true" : "false"); break;
    case WIRE_INTEGER: strbuf_addf(w->out, "%" PRId64, (int64_t)f->value); break;
    case WIRE_MESSAGE: write_message(w, m->message, f->bytes); break;
    case WIRE_MAP: write_map_entry(w, f->bytes); break;
    case WIRE_TIME: write_time(w, f->bytes); break;
    case WIRE_QUANTITY: write_text(w, bytes_at(w, f->bytes, 1)); break;
    case WIRE_OPAQUE: write_hex(w, f->bytes); break;
    case WIRE_INLINE: break; /* write_members has written its members */
    }
}

/* ---- members ---- */
/* NULL: in no table. Fields are usually in the order of their numbers, so the search continues at *at. */
static const struct wire_member *find(const struct wire_message *m, uint32_t number, size_t *at)
{
    if (*at == m->count || m->members[*at].number > number)
        *at = 0;
    while (*at < m->count && m->members[*at].number < number)
        ++*at;
    return *at < m->count && m->members[*at].number == number ? &m->members[*at] : NULL;
}

static bool has_type(const struct wire_member *m, enum protobuf_type type)
{
    if (m->kind == WIRE_OPAQUE)
        return true;
    return type == (m->kind == WIRE_BOOL || m->kind == WIRE_INTEGER ? PROTOBUF_VARINT : PROTOBUF_BYTES);
}

/* A zero varint or empty bytes. Fields of other types are never omitted. */
static bool is_zero(const struct protobuf_field *f)
{
    return f->type == PROTOBUF_VARINT ? f->value == 0 : f->type == PROTOBUF_BYTES && f->bytes.len == 0;
}

/* The first member has no comma before it. */
static void write_key(struct json_writer *w, struct view key, bool *has_some)
{
    strbuf_add_view(w->out, view_skip(key, *has_some ? 0 : 1));
    *has_some = true;
}

static void write_unknown(struct json_writer *w, const struct protobuf_field *f, bool *has_some)
{
    char key[24];
    snprintf(key, sizeof(key), ",\"#%" PRIu32 "\":", f->number);
    write_key(w, view_from(key), has_some);
    write_hex(w, f->bytes);
}

/* A list or map, whose elements are separate fields. */
static bool is_repeated(const struct wire_member *m)
{
    return m != NULL && (m->is_list || m->kind == WIRE_MAP);
}

static void end_repeated(struct json_writer *w, const struct wire_member *m)
{
    if (is_repeated(m))
        strbuf_add_char(w->out, m->kind == WIRE_MAP ? '}' : ']');
}

static void begin_member(struct json_writer *w, const struct wire_member *m, bool *has_some)
{
    write_key(w, m->key, has_some);
    if (is_repeated(m))
        strbuf_add_char(w->out, m->kind == WIRE_MAP ? '{' : '[');
}

static void write_members(struct json_writer *w, const struct wire_message *m, struct view bytes,
                          bool *has_some)
{
    struct protobuf p = protobuf_open(bytes);
    struct protobuf_field f;
    const struct wire_member *last = NULL;
    size_t at = 0;
    while (protobuf_next(&p, &f)) {
        const struct wire_member *member = find(m, f.number, &at);
        if (is_repeated(member) && member == last) {
            strbuf_add_char(w->out, ',');
            write_value(w, member, &f);
            continue;
        }
        end_repeated(w, last);
        last = NULL;
        if (member == NULL && m->writes_unknown && !is_zero(&f)) {
            write_unknown(w, &f, has_some);
        } else if (member != NULL && !has_type(member, f.type)) {
            w->is_broken = true;
        } else if (member != NULL && member->kind == WIRE_INLINE) {
            write_members(w, member->message, f.bytes, has_some);
        } else if (member != NULL && !(member->omits_zero && is_zero(&f))) {
            begin_member(w, member, has_some);
            write_value(w, member, &f);
            last = member;
        }
    }
    end_repeated(w, last);
    w->is_broken = w->is_broken || p.is_broken;
}

static int finish(const struct json_writer *w, struct err *e)
{
    if (w->is_broken)
        return FAIL(e, ERR_PROTOCOL, "the API server sent a malformed protobuf message");
    if (strbuf_overflowed(w->out))
        return FAIL(e, ERR_TOO_LARGE, "an object is larger than %zu bytes", w->out->max);
    return 0;
}

int wire_to_json(const struct wire_message *m, struct view message, struct strbuf *out, struct err *e)
{
    struct json_writer w = {.out = out};
    write_message(&w, m, message);
    return finish(&w, e);
}

/* ---- envelopes ---- */
enum { EVENT_TYPE = 1, EVENT_OBJECT = 2, EXTENSION_RAW = 1 };

bool wire_open(struct view envelope, struct view *ret_message)
{
    struct json_writer w = {.out = NULL};
    if (envelope.len < WIRE_MAGIC.len || !view_equal(view_of(envelope.ptr, WIRE_MAGIC.len), WIRE_MAGIC))
        return false;
    *ret_message = bytes_at(&w, view_skip(envelope, WIRE_MAGIC.len), WIRE_RAW);
    return !w.is_broken;
}

int wire_event_to_json(const struct wire_message *m, struct view event, struct strbuf *out, struct err *e)
{
    struct json_writer w = {.out = out};
    struct view type = bytes_at(&w, event, EVENT_TYPE), object;
    if (!wire_open(bytes_at(&w, bytes_at(&w, event, EVENT_OBJECT), EXTENSION_RAW), &object))
        return FAIL(e, ERR_PROTOCOL, "the API server sent a malformed watch event");
    strbuf_add_text(out, "{\"type\":");
    write_text(&w, type);
    strbuf_add_text(out, ",\"object\":");
    write_message(&w, view_equal_text(type, "ERROR") ? &wire_status : m, object);
    strbuf_add_char(out, '}');
    return finish(&w, e);
}
