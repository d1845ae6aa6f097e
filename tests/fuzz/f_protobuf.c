/*
 * Protobuf: the two readers of a field's head agree, fields follow one another without a gap, and whatever is
 * converted to JSON is JSON.
 */
#include <jansson.h>
#include <string.h>

#include "core/model/pod_wire.h"
#include "data/protobuf.h"
#include "fuzz.h"
#include "kobj/wire.h"
#include "kobj/wire_meta.h"

#include "base/banned.h"

enum { OUT_MAX = 64 * 1024, VARINT_MAX = 10 };

/* A field with a length: protobuf_head reads the same, and asks for more while its head is not whole. */
static void check_head(struct view field, const struct protobuf_field *f)
{
    uint32_t number;
    uint64_t length;
    int used = protobuf_head(field, &number, &length);
    if (f->type != PROTOBUF_BYTES) {
        CHECK(used == -1);
        return;
    }
    CHECK(used > 0 && used <= PROTOBUF_HEAD_MAX && number == f->number && length == f->bytes.len);
    CHECK(field.ptr + used == f->bytes.ptr || f->bytes.len == 0);
    for (size_t part = 0; part < (size_t)used; part++)
        CHECK(protobuf_head(view_of(field.ptr, part), &number, &length) == 0);
}

static void read_fields(struct view message)
{
    struct protobuf p = protobuf_open(message);
    struct protobuf_field f;
    struct view before = p.rest;
    while (protobuf_next(&p, &f)) {
        CHECK(f.number > 0 && f.number < 1U << 29);
        CHECK(fuzz_is_within(f.bytes, before) && p.rest.len < before.len);
        CHECK(f.bytes.ptr + f.bytes.len == p.rest.ptr || p.rest.len == 0);
        CHECK(f.type != PROTOBUF_VARINT || f.bytes.len <= VARINT_MAX);
        check_head(before, &f);
        before = p.rest;
    }
    CHECK(p.is_broken || p.rest.len == 0);
    CHECK(!protobuf_next(&p, &f)); /* the end stays the end */
}

/* A map may have a name twice or with a NUL, which jansson can refuse. */
static void check_json(int result, struct strbuf *out, struct err *e)
{
    json_error_t problem;
    if (result < 0) {
        CHECK(e->code == ERR_PROTOCOL || e->code == ERR_TOO_LARGE);
        fuzz_check_error(e);
    } else {
        json_t *tree = json_loadb(out->data, out->len, JSON_ALLOW_NUL, &problem);
        CHECK(tree != NULL || json_error_code(&problem) == json_error_null_byte_in_key);
        json_decref(tree);
    }
    strbuf_clear(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const struct wire_message *const messages[] = {&pod_wire, &wire_object_meta, &wire_list_meta,
                                                          &wire_status};
    struct view message = view_of(bytes, length), inner;
    struct strbuf out = STRBUF(OUT_MAX);
    struct err e = {0};
    read_fields(message);
    for (size_t i = 0; i < ARRAY_LEN(messages); i++)
        check_json(wire_to_json(messages[i], message, &out, &e), &out, &e);
    check_json(wire_event_to_json(&pod_wire, message, &out, &e), &out, &e);
    if (wire_open(message, &inner)) {
        CHECK(fuzz_is_within(inner, message));
        check_json(wire_to_json(&pod_wire, inner, &out, &e), &out, &e);
    }
    strbuf_fini(&out);
    return 0;
}
