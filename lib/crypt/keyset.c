#include "crypt/keyset.h"

#include <string.h>

#include "base/alloc.h"
#include "crypt/digest.h"

#include "base/banned.h"

#define TYPE_URL "type.googleapis.com/google.crypto.tink.AesGcmHkdfStreamingKey"

enum {
    KEYS_MAX = 32,
    SEGMENT_MAX = 16 * 1024 * 1024,
    STATUS_ENABLED = 1,
    STATUS_DISABLED = 2,
    MATERIAL_SYMMETRIC = 1,
    KEY_BYTES = 32,
};

/* ---- protobuf, as much of it as keysets need ---- */
struct field {
    uint32_t number;
    uint64_t varint;   /* wire type 0 */
    struct view bytes; /* wire type 2 */
    bool is_bytes;
};

static bool read_varint(struct view *in, uint64_t *ret)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && in->len > 0; shift += 7) {
        uint8_t byte = (uint8_t)in->ptr[0];
        *in = view_skip(*in, 1);
        value |= (uint64_t)(byte & 0x7fU) << shift;
        if ((byte & 0x80U) == 0) {
            *ret = value;
            return true;
        }
    }
    return false;
}

/* False at the end and on anything malformed; *ok tells which. */
static bool next_field(struct view *in, struct field *f, bool *ok)
{
    uint64_t tag, length;
    *f = (struct field){.number = 0};
    *ok = true;
    if (in->len == 0)
        return false;
    *ok = false;
    if (!read_varint(in, &tag) || tag >> 3 == 0 || tag >> 3 > UINT32_MAX)
        return false;
    f->number = (uint32_t)(tag >> 3);
    switch (tag & 7U) {
    case 0: *ok = read_varint(in, &f->varint); return *ok;
    case 2:
        if (!read_varint(in, &length) || length > in->len)
            return false;
        f->is_bytes = true;
        f->bytes = view_of(in->ptr, (size_t)length);
        *in = view_skip(*in, (size_t)length);
        *ok = true;
        return true;
    default: return false; /* no fixed or group fields in these messages */
    }
}

static int parse_params(struct view in, struct stream_params *p, struct err *e)
{
    struct field f;
    bool ok;
    uint64_t segment = 0, derived = 0, hash = 0;
    while (next_field(&in, &f, &ok)) {
        if (f.number == 1)
            segment = f.varint;
        else if (f.number == 2)
            derived = f.varint;
        else if (f.number == 3)
            hash = f.varint;
    }
    if (!ok)
        return FAIL(e, ERR_KEYSET_INVALID, "the parameters of a key are malformed");
    if (derived != 16 && derived != 32)
        return FAIL(e, ERR_KEYSET_INVALID, "a derived key of %llu bytes; Tink has 16 and 32",
                    (unsigned long long)derived);
    if (hash != STREAM_SHA1 && hash != STREAM_SHA256 && hash != STREAM_SHA512)
        return FAIL(e, ERR_KEYSET_INVALID, "an HKDF hash that streaming keys may not have");
    if (segment <= derived + 24 || segment > SEGMENT_MAX)
        return FAIL(e, ERR_KEYSET_INVALID, "segments of %llu bytes; at most 16 MiB can be read",
                    (unsigned long long)segment);
    *p = (struct stream_params){(uint32_t)segment, (uint32_t)derived, (enum stream_hash)hash};
    return 0;
}

static int parse_streaming_key(struct view in, struct keyset_key *key, struct err *e)
{
    struct field f;
    struct view params = {NULL, 0}, material = {NULL, 0};
    uint64_t version = 0;
    bool ok;
    while (next_field(&in, &f, &ok)) {
        if (f.number == 1)
            version = f.varint;
        else if (f.number == 2)
            params = f.bytes;
        else if (f.number == 3)
            material = f.bytes;
    }
    if (!ok || version != 0)
        return FAIL(e, ERR_KEYSET_INVALID, "a key is malformed or of an unknown version");
    if (parse_params(params, &key->params, e) < 0)
        return -1;
    if (material.len < 16 || material.len < key->params.derived_bytes)
        return FAIL(e, ERR_KEYSET_INVALID, "a key has only %zu bytes of material", material.len);
    secret_copy(&key->material, material.ptr, material.len);
    return 0;
}

static int parse_key_data(struct view in, struct keyset_key *key, struct err *e)
{
    struct field f;
    struct view type_url = {NULL, 0}, value = {NULL, 0};
    uint64_t material = 0;
    bool ok;
    while (next_field(&in, &f, &ok)) {
        if (f.number == 1)
            type_url = f.bytes;
        else if (f.number == 2)
            value = f.bytes;
        else if (f.number == 3)
            material = f.varint;
    }
    if (!ok)
        return FAIL(e, ERR_KEYSET_INVALID, "the data of a key is malformed");
    if (!view_equal_text(type_url, TYPE_URL))
        return FAIL(e, ERR_KEYSET_INVALID, "a key of type %.*s; Cloister reads " TYPE_URL,
                    VIEW_ARG(type_url));
    if (material != MATERIAL_SYMMETRIC)
        return FAIL(e, ERR_KEYSET_INVALID, "a key whose material is not symmetric");
    return parse_streaming_key(value, key, e);
}

static int parse_key(struct view in, struct keyset_key *key, struct err *e)
{
    struct field f;
    struct view data = {NULL, 0};
    uint64_t status = 0;
    bool ok;
    while (next_field(&in, &f, &ok)) {
        if (f.number == 1)
            data = f.bytes;
        else if (f.number == 2)
            status = f.varint;
        else if (f.number == 3)
            key->id = (uint32_t)f.varint;
    }
    if (!ok)
        return FAIL(e, ERR_KEYSET_INVALID, "a key is malformed");
    key->is_enabled = status == STATUS_ENABLED;
    if (status != STATUS_ENABLED)
        return 0; /* disabled and destroyed keys are never used */
    return parse_key_data(data, key, e);
}

static int check_whole(struct keyset *ks, uint64_t primary_id, struct err *e)
{
    size_t primaries = 0;
    for (size_t i = 0; i < ks->count; i++) {
        if (ks->keys[i].id == primary_id && ks->keys[i].is_enabled) {
            ks->primary = i;
            primaries++;
        }
        for (size_t k = 0; k < i; k++)
            if (ks->keys[k].id == ks->keys[i].id)
                return FAIL(e, ERR_KEYSET_INVALID, "two keys of id %u", ks->keys[i].id);
    }
    return primaries == 1 ? 0 : FAIL(e, ERR_KEYSET_INVALID, "no enabled primary key");
}

int keyset_parse(struct view serialized, struct keyset *ret, struct err *e)
{
    struct keyset ks = {.keys = NULL};
    struct field f;
    uint64_t primary_id = 0;
    bool ok;
    while (next_field(&serialized, &f, &ok)) {
        if (f.number == 1)
            primary_id = f.varint;
        if (f.number != 2)
            continue;
        if (!f.is_bytes || ks.count == KEYS_MAX) {
            ok = false;
            break;
        }
        ks.keys = xreallocarray(ks.keys, ks.count + 1, sizeof(*ks.keys));
        ks.keys[ks.count] = (struct keyset_key){.id = 0};
        if (parse_key(f.bytes, &ks.keys[ks.count++], e) < 0) {
            keyset_free(&ks);
            return -1;
        }
    }
    if (!ok)
        err_set(e, ERR_KEYSET_INVALID, NULL, "not a Tink keyset");
    if (!ok || check_whole(&ks, primary_id, e) < 0) {
        keyset_free(&ks);
        return -1;
    }
    *ret = ks;
    return 0;
}

void keyset_free(struct keyset *ks)
{
    for (size_t i = 0; i < ks->count; i++)
        secret_free(&ks->keys[i].material);
    free(ks->keys);
    *ks = (struct keyset){.keys = NULL};
}

const struct keyset_key *keyset_find(const struct keyset *ks, uint32_t id)
{
    for (size_t i = 0; i < ks->count; i++)
        if (ks->keys[i].id == id && ks->keys[i].is_enabled)
            return &ks->keys[i];
    return NULL;
}

/* ---- generation ---- */
struct writer {
    uint8_t *at;
};

static void put(struct writer *w, const void *bytes, size_t length)
{
    memcpy(w->at, bytes, length);
    w->at += length;
}

static void put_varint(struct writer *w, uint8_t number, uint32_t value)
{
    *w->at++ = (uint8_t)((unsigned)number << 3);
    for (; value >= 0x80; value >>= 7)
        *w->at++ = (uint8_t)(value | 0x80U);
    *w->at++ = (uint8_t)value;
}

static void put_length(struct writer *w, uint8_t number, size_t length)
{
    *w->at++ = (uint8_t)((unsigned)number << 3 | 2U);
    *w->at++ = (uint8_t)length; /* every message here is shorter than 128 bytes */
}

/* AES256_GCM_HKDF_1MB: segments of 1 MiB, derived keys of 32 bytes, HKDF-SHA256. */
static const uint8_t TEMPLATE[] = {0x12, 0x08, 0x08, 0x80, 0x80, 0x40, 0x10, 0x20, 0x18, 0x03, 0x1a, 0x20};

void keyset_generate(struct keyset *ret, struct secret *ret_serialized)
{
    struct keyset_key *key = xcalloc(1, sizeof(*key));
    struct secret message CLEANUP(secret_free) = {.bytes = NULL};
    size_t value = sizeof(TEMPLATE) + KEY_BYTES, url = sizeof(TYPE_URL) - 1;
    size_t data = 2 + url + 2 + value + 2;
    do
        random_bytes(&key->id, sizeof(key->id));
    while (key->id < 0x10000000); /* always five bytes of varint, so that lengths are constant */
    key->is_enabled = true;
    key->params = (struct stream_params){1024 * 1024, 32, STREAM_SHA256};
    secret_alloc(&key->material, KEY_BYTES);
    random_bytes(key->material.bytes, KEY_BYTES);
    secret_alloc(&message, 256);
    struct writer w = {message.bytes};
    put_varint(&w, 1, key->id);
    put_length(&w, 2, 2 + data + 2 + 6 + 2);
    put_length(&w, 1, data);
    put_length(&w, 1, url);
    put(&w, TYPE_URL, url);
    put_length(&w, 2, value);
    put(&w, TEMPLATE, sizeof(TEMPLATE));
    put(&w, key->material.bytes, KEY_BYTES);
    put_varint(&w, 3, MATERIAL_SYMMETRIC);
    put_varint(&w, 2, STATUS_ENABLED);
    put_varint(&w, 3, key->id);
    put_varint(&w, 4, 3); /* output prefix RAW */
    secret_copy(ret_serialized, message.bytes, (size_t)(w.at - message.bytes));
    *ret = (struct keyset){.keys = key, .count = 1, .primary = 0};
}
