/*
 * A watch in protobuf is a sequence of frames: a big-endian length of four bytes, then the
 * event. A list is an envelope, as an object is, so its items are nested two messages deep:
 *
 *   "k8s\0" runtime.Unknown {1: typeMeta, 2: raw = PodList {1: metadata, 2: item, 2: item, ...}, 3:, 4:}
 *
 * All fields of both messages have a length, so they are pieces with a header as well.
 */
#include "kobj/wire_meta.h"
#include "kube/framer_int.h"

#include "base/banned.h"

enum { FRAME_HEADER = 4, LIST_METADATA = 1, LIST_ITEM = 2 };

/* Readers of headers: they return the length of the header, 0 when more bytes are needed, and set the piece
 * that follows. */

static int read_frame_header(struct framer *f, struct err *e)
{
    (void)e;
    if (f->header_length < FRAME_HEADER)
        return 0;
    for (size_t i = 0; i < FRAME_HEADER; i++)
        f->piece_left = f->piece_left << 8 | (uint8_t)f->header[i];
    f->piece = &f->item;
    return FRAME_HEADER;
}

static int read_magic(struct framer *f, struct err *e)
{
    if (f->header_length < WIRE_MAGIC.len)
        return 0;
    f->has_magic = view_equal(view_of(f->header, f->header_length), WIRE_MAGIC);
    return f->has_magic ? (int)WIRE_MAGIC.len
                        : FAIL(e, ERR_PROTOCOL, "the API server sent a list that is not in protobuf");
}

static int read_field_header(struct framer *f, struct err *e)
{
    uint32_t number;
    uint64_t length;
    int used = protobuf_head(view_of(f->header, f->header_length), &number, &length);
    if (used < 0)
        return FAIL(e, ERR_PROTOCOL, "the API server sent a malformed protobuf list");
    if (used == 0)
        return 0;
    if (!f->in_list && number == WIRE_RAW) {
        f->in_list = true;
        f->list_left = length;
        return used;
    }
    if (f->in_list) {
        if (f->list_left < (uint64_t)used || length > f->list_left - (uint64_t)used)
            return FAIL(e, ERR_PROTOCOL, "the API server sent a malformed protobuf list: a field exceeds it");
        f->list_left -= (uint64_t)used + length;
        f->piece = number == LIST_METADATA ? &f->head : number == LIST_ITEM ? &f->item : NULL;
    }
    f->piece_left = length;
    return used;
}

static int read_header(struct framer *f, struct err *e)
{
    return f->kind == FRAMER_WATCH ? read_frame_header(f, e)
           : f->has_magic          ? read_field_header(f, e)
                                   : read_magic(f, e);
}

static int end_item(struct framer *f, struct err *e)
{
    struct view item = strbuf_view(&f->item);
    strbuf_clear(&f->text);
    int result = f->kind == FRAMER_WATCH ? wire_event_to_json(f->message, item, &f->text, e)
                                         : wire_to_json(f->message, item, &f->text, e);
    strbuf_clear(&f->item);
    return result < 0 ? -1 : f->on_item(f->context, strbuf_view(&f->text), e);
}

static int end_head(struct framer *f, struct err *e)
{
    strbuf_clear(&f->text);
    strbuf_add_text(&f->text, "{\"metadata\":");
    if (wire_to_json(&wire_list_meta, strbuf_view(&f->head), &f->text, e) < 0)
        return -1;
    strbuf_add_char(&f->text, '}');
    strbuf_clear(&f->head);
    strbuf_add_view(&f->head, strbuf_view(&f->text));
    return strbuf_overflowed(&f->head) ? FAIL(e, ERR_TOO_LARGE, "the metadata of a list is too large") : 0;
}

/* Also called without a piece: after the magic bytes, and where the list begins. */
static int end_piece(struct framer *f, struct err *e)
{
    struct strbuf *piece = f->piece;
    f->piece = NULL;
    if (f->in_list && f->list_left == 0) {
        f->in_list = false;
        f->is_complete = true;
    }
    return piece == &f->item ? end_item(f, e) : piece == &f->head ? end_head(f, e) : 0;
}

static int take_header_byte(struct framer *f, char byte, struct err *e)
{
    f->header[f->header_length++] = byte;
    int used = read_header(f, e);
    if (used <= 0)
        return used;
    f->header_length = 0;
    if (f->piece != NULL && f->piece_left > f->piece->max)
        return FAIL(e, ERR_TOO_LARGE, "an object is larger than %zu bytes", f->piece->max);
    return f->piece_left == 0 ? end_piece(f, e) : 0;
}

static size_t take_piece(struct framer *f, struct view bytes)
{
    size_t length = bytes.len < f->piece_left ? bytes.len : (size_t)f->piece_left;
    if (f->piece != NULL)
        strbuf_add(f->piece, bytes.ptr, length);
    f->piece_left -= length;
    return length;
}

int framer_feed_protobuf(struct framer *f, struct view bytes, struct err *e)
{
    while (bytes.len > 0) {
        if (f->piece_left == 0) {
            if (take_header_byte(f, bytes.ptr[0], e) < 0)
                return -1;
            bytes = view_skip(bytes, 1);
            continue;
        }
        bytes = view_skip(bytes, take_piece(f, bytes));
        if (f->piece_left == 0 && end_piece(f, e) < 0)
            return -1;
    }
    return 0;
}
