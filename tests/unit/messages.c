#include "messages.h"

#include "base/banned.h"

enum { VARINT = 0, BYTES = 2, MESSAGE_MAX = 1024 * 1024 };

void put_varint(struct strbuf *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        strbuf_add_char(to, (char)(value | 0x80));
    strbuf_add_char(to, (char)value);
}

void put_number(struct strbuf *to, uint32_t field, uint64_t value)
{
    put_varint(to, field << 3 | VARINT);
    put_varint(to, value);
}

static void put_bytes(struct strbuf *to, uint32_t field, struct view bytes)
{
    put_varint(to, field << 3 | BYTES);
    put_varint(to, bytes.len);
    strbuf_add_view(to, bytes);
}

void put_text(struct strbuf *to, uint32_t field, const char *text)
{
    put_bytes(to, field, view_from(text));
}

void put_part(struct strbuf *to, uint32_t field, struct strbuf *part)
{
    put_bytes(to, field, strbuf_view(part));
    strbuf_fini(part);
}

void put_envelope(struct strbuf *to, const char *kind, struct strbuf *message)
{
    struct strbuf type = STRBUF(MESSAGE_MAX);
    put_text(&type, 1, "v1");
    put_text(&type, 2, kind);
    strbuf_add(to, "k8s", 4);
    put_part(to, 1, &type);
    put_part(to, 2, message);
    put_text(to, 3, "");
    put_text(to, 4, "");
}

void put_event(struct strbuf *to, const char *type, struct strbuf *envelope)
{
    struct strbuf event = STRBUF(MESSAGE_MAX), extension = STRBUF(MESSAGE_MAX);
    put_part(&extension, 1, envelope);
    put_text(&event, 1, type);
    put_part(&event, 2, &extension);
    for (int shift = 24; shift >= 0; shift -= 8)
        strbuf_add_char(to, (char)(event.len >> shift));
    strbuf_add_view(to, strbuf_view(&event));
    strbuf_fini(&event);
}
