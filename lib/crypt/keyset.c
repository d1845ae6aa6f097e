#include "crypt/keyset.h"

#include <string.h>

#include "base/alloc.h"
#include "crypt/digest.h"
#include "data/protobuf.h"

#include "base/banned.h"

#define TYPE_URL "type.googleapis.com/google.crypto.tink.AesGcmHkdfStreamingKey"

enum {
    KEYS_MAX = 32,
    SEGMENT_MAX = 16 * 1024 * 1024,
    STATUS_ENABLED = 1,
    MATERIAL_SYMMETRIC = 1,
    KEY_BYTES = 32,
};

/* ---- reading (tink.proto, aes_gcm_hkdf_streaming.proto) ---- */

/* Numbers of the fields, by message. */
enum { KEYSET_PRIMARY_ID = 1, KEYSET_KEY = 2 };
enum { KEY_DATA = 1, KEY_STATUS = 2, KEY_ID = 3 };
enum { DATA_TYPE_URL = 1, DATA_VALUE = 2, DATA_MATERIAL_TYPE = 3 };
enum { STREAMING_VERSION = 1, STREAMING_PARAMS = 2, STREAMING_VALUE = 3 };
enum { PARAMS_SEGMENT_SIZE = 1, PARAMS_DERIVED_SIZE = 2, PARAMS_HASH = 3 };

/* A message's fields 1 to 3, each as it was given last; 0 and empty where it is missing. */
struct message {
    uint64_t number[4];
    struct view bytes[4];
};

/* False when it is malformed. The keyset's messages have neither fixed-width fields nor groups. */
static bool next_field(struct protobuf *p, struct protobuf_field *f)
{
    if (!protobuf_next(p, f))
        return false;
    p->is_broken = f->type != PROTOBUF_VARINT && f->type != PROTOBUF_BYTES;
    return !p->is_broken;
}

static bool read_message(struct view in, struct message *ret)
{
    struct protobuf p = protobuf_open(in);
    struct protobuf_field f;
    *ret = (struct message){.number = {0}};
    while (next_field(&p, &f)) {
        if (f.number >= ARRAY_LEN(ret->bytes))
            continue;
        if (f.type == PROTOBUF_VARINT)
            ret->number[f.number] = f.value;
        else
            ret->bytes[f.number] = f.bytes;
    }
    return !p.is_broken;
}

static int parse_params(struct view in, struct stream_params *p, struct err *e)
{
    struct message m;
    if (!read_message(in, &m))
        return FAIL(e, ERR_KEYSET_INVALID, "the parameters of a key are malformed");
    uint64_t segment = m.number[PARAMS_SEGMENT_SIZE], derived = m.number[PARAMS_DERIVED_SIZE],
             hash = m.number[PARAMS_HASH];
    if (derived != 16 && derived != 32)
        return FAIL(e, ERR_KEYSET_INVALID, "a key has derived keys of %llu bytes; Tink allows 16 and 32",
                    (unsigned long long)derived);
    if (hash != STREAM_SHA1 && hash != STREAM_SHA256 && hash != STREAM_SHA512)
        return FAIL(e, ERR_KEYSET_INVALID, "a key has an HKDF hash that streaming keys cannot have");
    if (segment <= derived + 24 || segment > SEGMENT_MAX)
        return FAIL(e, ERR_KEYSET_INVALID, "a key has segments of %llu bytes; at most 16 MiB are supported",
                    (unsigned long long)segment);
    *p = (struct stream_params){(uint32_t)segment, (uint32_t)derived, (enum stream_hash)hash};
    return 0;
}

static int parse_streaming_key(struct view in, struct keyset_key *key, struct err *e)
{
    struct message m;
    if (!read_message(in, &m) || m.number[STREAMING_VERSION] != 0)
        return FAIL(e, ERR_KEYSET_INVALID, "a key is malformed or of an unknown version");
    struct view value = m.bytes[STREAMING_VALUE];
    if (parse_params(m.bytes[STREAMING_PARAMS], &key->params, e) < 0)
        return -1;
    if (value.len < 16 || value.len < key->params.derived_bytes)
        return FAIL(e, ERR_KEYSET_INVALID, "a key has only %zu bytes of key material", value.len);
    secret_copy(&key->material, value.ptr, value.len);
    return 0;
}

static int parse_key_data(struct view in, struct keyset_key *key, struct err *e)
{
    struct message m;
    if (!read_message(in, &m))
        return FAIL(e, ERR_KEYSET_INVALID, "the data of a key is malformed");
    if (!view_equal_text(m.bytes[DATA_TYPE_URL], TYPE_URL))
        return FAIL(e, ERR_KEYSET_INVALID, "a key has type %.*s; only " TYPE_URL " is supported",
                    VIEW_ARG(m.bytes[DATA_TYPE_URL]));
    if (m.number[DATA_MATERIAL_TYPE] != MATERIAL_SYMMETRIC)
        return FAIL(e, ERR_KEYSET_INVALID, "a key is not symmetric");
    return parse_streaming_key(m.bytes[DATA_VALUE], key, e);
}

static int parse_key(struct view in, struct keyset_key *key, struct err *e)
{
    struct message m;
    if (!read_message(in, &m))
        return FAIL(e, ERR_KEYSET_INVALID, "a key is malformed");
    key->id = (uint32_t)m.number[KEY_ID];
    key->is_enabled = m.number[KEY_STATUS] == STATUS_ENABLED;
    if (!key->is_enabled)
        return 0; /* disabled and destroyed keys are never used */
    return parse_key_data(m.bytes[KEY_DATA], key, e);
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
                return FAIL(e, ERR_KEYSET_INVALID, "two keys have the id %u", ks->keys[i].id);
    }
    return primaries == 1 ? 0 : FAIL(e, ERR_KEYSET_INVALID, "there is no enabled primary key");
}

static int check_count(size_t count, struct err *e)
{
    if (count == 0)
        return FAIL(e, ERR_KEYSET_INVALID, "the keyset has no keys");
    if (count > KEYS_MAX)
        return FAIL(e, ERR_KEYSET_INVALID,
                    "the keyset has %zu keys, and at most %d are supported: remove keys that no object is "
                    "encrypted with",
                    count, KEYS_MAX);
    return 0;
}

/* The fields that keyset_parse uses, before any of the keys is looked at. */
static int scan(struct view serialized, size_t *ret_count, uint64_t *ret_primary_id, struct err *e)
{
    struct protobuf p = protobuf_open(serialized);
    struct protobuf_field f;
    *ret_count = 0;
    *ret_primary_id = 0;
    while (next_field(&p, &f)) {
        if (f.number == KEYSET_PRIMARY_ID)
            *ret_primary_id = f.value;
        else if (f.number != KEYSET_KEY)
            continue;
        else if (f.type == PROTOBUF_BYTES)
            ++*ret_count;
        else
            p.is_broken = true;
    }
    return p.is_broken ? FAIL(e, ERR_KEYSET_INVALID, "not a Tink keyset in binary form")
                       : check_count(*ret_count, e);
}

static int parse_keys(struct view serialized, struct keyset *ks, struct err *e)
{
    struct protobuf p = protobuf_open(serialized);
    struct protobuf_field f;
    uint64_t primary_id;
    size_t count;
    if (scan(serialized, &count, &primary_id, e) < 0)
        return -1;
    ks->keys = xcalloc(count, sizeof(*ks->keys));
    while (next_field(&p, &f))
        if (f.number == KEYSET_KEY && parse_key(f.bytes, &ks->keys[ks->count++], e) < 0)
            return -1;
    return check_whole(ks, primary_id, e);
}

int keyset_parse(struct view serialized, struct keyset *ret, struct err *e)
{
    struct keyset ks = {.keys = NULL};
    if (parse_keys(serialized, &ks, e) < 0) {
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

/* Writes into a buffer that is known to be large enough. */
struct key_writer {
    uint8_t *at;
};

static void put(struct key_writer *w, const void *bytes, size_t length)
{
    memcpy(w->at, bytes, length);
    w->at += length;
}

static void put_varint(struct key_writer *w, uint8_t number, uint32_t value)
{
    *w->at++ = (uint8_t)((unsigned)number << 3);
    for (; value >= 0x80; value >>= 7)
        *w->at++ = (uint8_t)(value | 0x80U);
    *w->at++ = (uint8_t)value;
}

static void put_length(struct key_writer *w, uint8_t number, size_t length)
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
    struct key_writer w = {message.bytes};
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
