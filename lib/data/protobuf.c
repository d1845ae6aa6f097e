#include "data/protobuf.h"

#include "base/banned.h"

enum { VARINT_MAX = 10, NUMBER_MAX = (1 << 29) - 1 };

/* Like protobuf_head(). */
static int read_varint(struct view bytes, uint64_t *ret)
{
    uint64_t value = 0;
    if (bytes.len > 0 && (uint8_t)bytes.ptr[0] < 0x80) { /* nearly all are of one byte */
        *ret = (uint8_t)bytes.ptr[0];
        return 1;
    }
    for (size_t i = 0; i < VARINT_MAX; i++) {
        if (i == bytes.len)
            return 0;
        uint8_t byte = (uint8_t)bytes.ptr[i];
        if (i == VARINT_MAX - 1 && byte > 1)
            return -1;
        value |= (uint64_t)(byte & 0x7F) << 7 * i;
        if (byte < 0x80) {
            *ret = value;
            return (int)i + 1;
        }
    }
    return -1;
}

/* Number and type. */
static int read_tag(struct view bytes, struct protobuf_field *ret)
{
    uint64_t tag;
    int used = read_varint(bytes, &tag);
    if (used <= 0)
        return used;
    if (tag >> 3 == 0 || tag >> 3 > NUMBER_MAX)
        return -1;
    ret->number = (uint32_t)(tag >> 3);
    ret->type = (enum protobuf_type)(tag & 7);
    return used;
}

struct protobuf protobuf_open(struct view message)
{
    return (struct protobuf){.rest = message};
}

/* How many bytes precede the field's value, and how many it has; false when it is malformed. */
static bool measure(struct view rest, struct protobuf_field *f, size_t *ret_before, uint64_t *ret_length)
{
    int used = 0;
    *ret_before = 0;
    switch (f->type) {
    case PROTOBUF_VARINT:
        used = read_varint(rest, &f->value);
        *ret_length = (uint64_t)used;
        return used > 0;
    case PROTOBUF_BYTES:
        used = read_varint(rest, ret_length);
        *ret_before = (size_t)used;
        return used > 0;
    case PROTOBUF_FIXED64: *ret_length = 8; return true;
    case PROTOBUF_FIXED32: *ret_length = 4; return true;
    }
    return false; /* groups, and undefined types */
}

bool protobuf_next(struct protobuf *p, struct protobuf_field *ret)
{
    size_t before;
    uint64_t length;
    if (p->rest.len == 0 || p->is_broken)
        return false;
    *ret = (struct protobuf_field){.number = 0};
    int used = read_tag(p->rest, ret);
    p->is_broken = true;
    if (used <= 0)
        return false;
    struct view rest = view_skip(p->rest, (size_t)used);
    if (!measure(rest, ret, &before, &length) || length > rest.len - before)
        return false;
    ret->bytes = view_of(rest.ptr + before, (size_t)length);
    p->rest = view_skip(rest, before + (size_t)length);
    p->is_broken = false;
    return true;
}

int protobuf_head(struct view bytes, uint32_t *ret_number, uint64_t *ret_length)
{
    struct protobuf_field f;
    int tag = read_tag(bytes, &f);
    if (tag <= 0)
        return tag;
    if (f.type != PROTOBUF_BYTES)
        return -1;
    int length = read_varint(view_skip(bytes, (size_t)tag), ret_length);
    *ret_number = f.number;
    return length <= 0 ? length : tag + length;
}
