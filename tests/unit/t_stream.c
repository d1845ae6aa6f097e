/* Tink's streaming format against the published and the derived vectors (reference: Tink's own writers). */
#include "crypt/stream_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agentapi/failures.h"
#include "base/codec.h"
#include "base/strbuf.h"
#include "crypt/digest.h"
#include "crypt/stream_int.h"
#include "crypt/stream_writer.h"

#include "base/banned.h"

/* One RAW, enabled, primary key: AES256_GCM_HKDF_1MB, key value 00..1f, id 1234. */
static const char KEYSET[] =
    "CNIJEngKbwo9dHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUuY3J5cHRvLnRpbmsuQWVzR2NtSGtkZlN0cmVhbWluZ0tleRIsEggI"
    "gIBAECAYAxogAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8YARABGNIJIAM=";

static void load(struct keyset *ks, uint32_t segment_bytes)
{
    uint8_t bytes[256];
    size_t length;
    struct err e = {0};
    assert_int_equal(base64_decode(view_from(KEYSET), bytes, sizeof(bytes), &length), 0);
    assert_int_equal(keyset_parse(view_of(bytes, length), ks, &e), 0);
    ks->keys[0].params.segment_bytes = segment_bytes;
}

struct object {
    struct strbuf cipher;
    struct strbuf plain;
};

static int collect(void *context, const void *bytes, size_t length, struct err *e)
{
    (void)e;
    strbuf_add(context, bytes, length);
    return 0;
}

/* Encrypts the vector's plaintext with the vector's salt and prefix. */
static struct object make_vector(const struct keyset *ks, size_t size, struct view ad)
{
    struct object o = {STRBUF(8U << 20), STRBUF(8U << 20)};
    const struct keyset_key *key = &ks->keys[ks->primary];
    uint8_t header[40] = {40};
    for (unsigned i = 0; i < 32; i++)
        header[1 + i] = (uint8_t)(0x40 + i);
    for (unsigned i = 0; i < 7; i++)
        header[33 + i] = (uint8_t)(0xa0 + i);
    for (size_t i = 0; i < size; i++)
        strbuf_add_char(&o.plain, (char)(uint8_t)((31 * i + 7) % 256));
    struct segment_cipher c;
    segment_cipher_init(&c, key, header, ad, true);
    strbuf_add(&o.cipher, header, sizeof(header));
    size_t at = 0;
    for (uint32_t number = 0;; number++) {
        size_t room = key->params.segment_bytes - STREAM_TAG - (number == 0 ? sizeof(header) : 0);
        size_t n = size - at < room ? size - at : room;
        uint8_t *out = malloc(n + STREAM_TAG);
        assert_non_null(out);
        segment_begin(&c, number, at + n == size);
        segment_update(&c, strbuf_text(&o.plain) + at, n, out);
        segment_seal(&c, out + n);
        strbuf_add(&o.cipher, out, n + STREAM_TAG);
        free(out);
        at += n;
        if (at == size)
            break;
    }
    segment_cipher_fini(&c);
    return o;
}

static void object_fini(struct object *o)
{
    strbuf_fini(&o->cipher);
    strbuf_fini(&o->plain);
}

/* Reads ciphertext in portions; 0 and the plaintext, or -1. */
static int read_all(const struct stream_source *source, struct view cipher, size_t portion,
                    struct strbuf *plain, struct err *e)
{
    struct stream_reader *r = stream_reader_new(source, (struct byte_sink){collect, plain});
    int result = 0;
    for (size_t at = 0; result == 0 && at < cipher.len; at += portion)
        result =
            stream_reader_feed(r, cipher.ptr + at, cipher.len - at < portion ? cipher.len - at : portion, e);
    if (result == 0)
        result = stream_reader_finish(r, e);
    stream_reader_free(r);
    return result;
}

#define AD VIEW_LITERAL("gs://bucket/train/shard-00000.tar")
#define SOURCE(ks, bytes)                                                                                    \
    (&(struct stream_source){.keys = (ks), .associated_data = AD, .cipher_bytes = (bytes)})

static void writes_what_tink_writes_at_every_border(void **state)
{
    static const struct {
        uint32_t segment;
        size_t plain, cipher;
        const char *sha256;
    } VECTORS[] = {
        {4096, 0, 56, "afb3e9b28abee231982968501a5313ba6584de2338dc5f0f999396608b54329a"},
        {1 << 20, 1, 57, "f9d820d72cf24781795873cb43b39842dacecbccd4df1945f9b5a921371d9bdf"},
        {4096, 4039, 4095, "99ee896ebac16a90032be8bbce4e808936dd0d56557efae0ef92714978076fca"},
        {4096, 4040, 4096, "5b45ac5379ad78b46e52f368a2ca40e8279f8d00ec5bc986a9e249cc4247f93a"},
        {4096, 4041, 4113, "6a7480bf728041cf43e5f040fa8880b875b25f7b483ef5c636ebd6eca9e93c44"},
        {4096, 8120, 8192, "3d58e20b6f82e0be2c6b5d95a688494d57873c4390a8d4a4b12d8f52fb1640f6"},
        {4096, 8121, 8209, "0c06916c12c364d8922e255a314b12c7c48ffa335c2cbbe9d4872d0b9ee4a2db"},
        {4096, 12293, 12397, "429d843a803cdd55caee02cd90c697d3df0d9c7d87f2ec75faf5c648ee30dcf9"},
        {1 << 20, 1048519, 1048575, "51f3e8619b3c9078adc6813382b2fa042502dfa5e0cfe167d1a046d773f2c65e"},
        {1 << 20, 1048520, 1048576, "a6f12526976f73ebbfd75e0a4f9c93c39b981a4d46d3aae6d3896d070840d799"},
        {1 << 20, 1048521, 1048593, "8083b4b6461332f65466e5266dfe362a59a3bdec7b10d57fb852be808680d1c9"},
        {1 << 20, 2097081, 2097169, "109fa13df284f0a716a7431da1089dcfab0fee7e347c87b5b4036080759ee90f"},
        {1 << 20, 3145733, 3145837, "e6bbbfc9bc2dc9ca23bc0b92656fdc5f05e224012ed260e1892565aeaea21561"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(VECTORS) / sizeof(*VECTORS); i++) {
        struct keyset ks;
        load(&ks, VECTORS[i].segment);
        struct object o = make_vector(&ks, VECTORS[i].plain, AD);
        char sum[SHA256_HEX_SIZE];
        sha256_hex(strbuf_text(&o.cipher), o.cipher.len, sum);
        assert_int_equal(o.cipher.len, VECTORS[i].cipher);
        assert_string_equal(sum, VECTORS[i].sha256);
        assert_int_equal(stream_cipher_size(&ks.keys[0].params, VECTORS[i].plain), VECTORS[i].cipher);
        uint64_t plain;
        assert_int_equal(stream_plain_size(&ks.keys[0].params, VECTORS[i].cipher, &plain), 0);
        assert_int_equal(plain, VECTORS[i].plain);
        object_fini(&o);
        keyset_free(&ks);
    }
}

static void reads_in_any_portions(void **state)
{
    static const size_t PORTIONS[] = {1, 7, 4096, 4097, 1 << 20};
    struct keyset ks;
    (void)state;
    load(&ks, 4096);
    struct object o = make_vector(&ks, 12293, AD);
    for (size_t i = 0; i < sizeof(PORTIONS) / sizeof(*PORTIONS); i++) {
        struct strbuf plain = STRBUF(1U << 20);
        struct err e = {0};
        assert_int_equal(read_all(SOURCE(&ks, o.cipher.len), strbuf_view(&o.cipher), PORTIONS[i], &plain, &e),
                         0);
        assert_int_equal(plain.len, o.plain.len);
        assert_memory_equal(plain.data, o.plain.data, plain.len);
        strbuf_fini(&plain);
    }
    object_fini(&o);
    keyset_free(&ks);
}

static void hands_out_nothing_of_a_segment_with_a_flipped_byte(void **state)
{
    struct keyset ks;
    (void)state;
    load(&ks, 4096);
    struct object o = make_vector(&ks, 5000, AD);
    for (size_t at = 0; at < o.cipher.len; at += at < 60 ? 1 : 97) {
        struct strbuf plain = STRBUF(1U << 20);
        struct err e = {0};
        o.cipher.data[at] = (char)(o.cipher.data[at] ^ 1);
        assert_int_equal(read_all(SOURCE(&ks, o.cipher.len), strbuf_view(&o.cipher), 1000, &plain, &e), -1);
        assert_int_equal(plain.len, at < 4096 ? 0 : 4040);
        assert_int_equal(failure_of_code(e.code)->failure_class, CLASS_Security);
        o.cipher.data[at] = (char)(o.cipher.data[at] ^ 1);
        err_fini(&e);
        strbuf_fini(&plain);
    }
    object_fini(&o);
    keyset_free(&ks);
}

static void notices_truncation_at_every_byte(void **state)
{
    struct keyset ks;
    (void)state;
    load(&ks, 4096);
    struct object o = make_vector(&ks, 8121, AD);
    for (size_t length = 0; length < o.cipher.len; length += 41) {
        /* Storage tells the truncated size, and then once more the right size with too few bytes. */
        for (int honest = 0; honest < 2; honest++) {
            struct strbuf plain = STRBUF(1U << 20);
            struct err e = {0};
            uint64_t claimed = honest ? length : o.cipher.len;
            assert_int_equal(read_all(SOURCE(&ks, claimed), view_of(o.cipher.data, length), 500, &plain, &e),
                             -1);
            assert_int_equal(failure_of_code(e.code)->failure_class, CLASS_Security);
            err_fini(&e);
            strbuf_fini(&plain);
        }
    }
    object_fini(&o);
    keyset_free(&ks);
}

static void another_name_does_not_open_it(void **state)
{
    struct keyset ks;
    struct strbuf plain = STRBUF(1U << 20);
    struct err e = {0};
    (void)state;
    load(&ks, 4096);
    struct object o = make_vector(&ks, 100, AD);
    struct stream_source other = {
        .keys = &ks, .associated_data = VIEW_LITERAL("gs://bucket/other"), .cipher_bytes = o.cipher.len};
    assert_int_equal(read_all(&other, strbuf_view(&o.cipher), 500, &plain, &e), -1);
    assert_int_equal(e.code, ERR_DATA_TAMPERED);
    assert_int_equal(plain.len, 0);
    err_fini(&e);
    object_fini(&o);
    keyset_free(&ks);
}

static void tries_every_key_of_the_keyset(void **state)
{
    struct keyset old, fresh;
    struct secret serialized = {.bytes = NULL};
    (void)state;
    load(&old, 1 << 20);
    keyset_generate(&fresh, &serialized);
    /* The rotated keyset: a new primary first, the old key behind it. */
    struct keyset both = {.count = 2, .primary = 0};
    struct keyset_key keys[2] = {fresh.keys[0], old.keys[0]};
    both.keys = keys;
    struct object o = make_vector(&old, 300000, AD);
    struct strbuf plain = STRBUF(1U << 20);
    struct err e = {0};
    assert_int_equal(read_all(SOURCE(&both, o.cipher.len), strbuf_view(&o.cipher), 1000, &plain, &e), 0);
    assert_int_equal(plain.len, 300000);
    assert_memory_equal(plain.data, o.plain.data, plain.len);
    strbuf_fini(&plain);
    object_fini(&o);
    secret_free(&serialized);
    keyset_free(&old);
    keyset_free(&fresh);
}

/* What an owner had from stock Tink before, of another template, stands beside the new key in any order. */
static void tries_keys_of_other_segment_sizes_in_any_order(void **state)
{
    static const size_t SIZES[] = {0, 10, 4040, 5000, 300000, 3000000};
    static const uint32_t SEGMENTS[] = {1 << 20, 4096, 1 << 20, 64};
    struct keyset ks[4];
    struct keyset_key keys[4];
    struct keyset all = {.keys = keys, .count = 4, .primary = 0};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct secret serialized CLEANUP(secret_free) = {.bytes = NULL};
        keyset_generate(&ks[i], &serialized);
        ks[i].keys[0].params.segment_bytes = SEGMENTS[i];
        keys[i] = ks[i].keys[0];
    }
    for (size_t i = 0; i < 4 * ARRAY_LEN(SIZES); i++) {
        struct object o = make_vector(&ks[i % 4], SIZES[i / 4], AD);
        struct strbuf plain = STRBUF(4U << 20);
        struct err e CLEANUP(err_fini) = {0};
        assert_int_equal(read_all(SOURCE(&all, o.cipher.len), strbuf_view(&o.cipher), 1000, &plain, &e), 0);
        assert_int_equal(plain.len, SIZES[i / 4]);
        assert_memory_equal(strbuf_text(&plain), strbuf_text(&o.plain), plain.len);
        strbuf_clear(&plain);
        o.cipher.data[41] ^= 1;
        assert_int_equal(read_all(SOURCE(&all, o.cipher.len), strbuf_view(&o.cipher), 1000, &plain, &e), -1);
        assert_int_equal(e.code, ERR_DATA_TAMPERED);
        assert_int_equal(plain.len, 0);
        strbuf_fini(&plain);
        object_fini(&o);
    }
    for (size_t i = 0; i < 4; i++)
        keyset_free(&ks[i]);
}

static void a_generated_keyset_is_read_back_and_writes_readable_streams(void **state)
{
    struct keyset made, read;
    struct secret serialized = {.bytes = NULL};
    struct err e = {0};
    (void)state;
    keyset_generate(&made, &serialized);
    assert_int_equal(keyset_parse(view_of(serialized.bytes, serialized.len), &read, &e), 0);
    assert_int_equal(read.keys[0].id, made.keys[0].id);
    static const size_t SIZES[] = {0, 1, 1048520, 1048521, 2500000};
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(*SIZES); i++) {
        struct stream_writer *w = stream_writer_new(&made, AD, SIZES[i]);
        struct strbuf cipher = STRBUF(4U << 20), plain = STRBUF(4U << 20);
        uint8_t *in = calloc(1, 1 << 20), *out = malloc(1 << 20);
        assert_true(in != NULL && out != NULL);
        do
            strbuf_add(&cipher, out, stream_writer_segment(w, in, out));
        while (stream_writer_next_bytes(w) > 0);
        assert_int_equal(cipher.len, stream_cipher_size(&made.keys[0].params, SIZES[i]));
        assert_int_equal(read_all(SOURCE(&read, cipher.len), strbuf_view(&cipher), 100000, &plain, &e), 0);
        assert_int_equal(plain.len, SIZES[i]);
        free(in);
        free(out);
        stream_writer_free(w);
        strbuf_fini(&cipher);
        strbuf_fini(&plain);
    }
    secret_free(&serialized);
    keyset_free(&made);
    keyset_free(&read);
}

/* One more, and a nonce would be used for two segments. */
static void a_stream_has_no_more_segments_than_a_nonce_counts(void **state)
{
    static const struct stream_params P = {64, 32, STREAM_SHA256};
    uint64_t plain = 0, most = (UINT64_C(1) << 32) * 64 - 64; /* 2^32 - 1 segments */
    (void)state;
    assert_int_equal(stream_plain_size(&P, most - 1, &plain), 0);
    assert_int_equal(stream_cipher_size(&P, plain), most - 1);
    assert_int_equal(stream_plain_size(&P, most + 64, &plain), -1);
    assert_int_equal(stream_plain_size(&P, stream_cipher_size(&P, most), &plain), -1);
    assert_int_equal(stream_plain_size(&P, UINT64_MAX, &plain), -1);
    assert_int_equal(stream_plain_size(&P, UINT64_MAX - 63, &plain), -1);
}

/* A keyset of so many keys, each of which is the one of KEYSET with another id; the first is the primary. */
static int parse_many(size_t count, struct keyset *ret, struct err *e)
{
    uint8_t one[256];
    size_t length;
    struct strbuf many = STRBUF(1U << 20);
    assert_int_equal(base64_decode(view_from(KEYSET), one, sizeof(one), &length), 0);
    strbuf_add(&many, one, 3); /* the primary's id */
    for (size_t i = 0; i < count; i++) {
        uint8_t *key = one + 3;
        size_t id = length - 3 - 5; /* 0x18, two bytes of varint, then the output prefix */
        key[id + 1] = (uint8_t)(0x80U | ((0x52U + i) & 0x7fU));
        key[id + 2] = (uint8_t)(9U + (0x52U + i) / 0x80U);
        strbuf_add(&many, key, length - 3);
    }
    int result = keyset_parse(strbuf_view(&many), ret, e);
    strbuf_fini(&many);
    return result;
}

static void says_how_many_keys_are_too_many(void **state)
{
    struct keyset ks;
    struct err e CLEANUP(err_fini) = {0};
    (void)state;
    assert_int_equal(parse_many(32, &ks, &e), 0);
    assert_int_equal(ks.count, 32);
    assert_int_equal(ks.primary, 0);
    assert_non_null(keyset_find(&ks, ks.keys[31].id));
    keyset_free(&ks);
    assert_int_equal(parse_many(33, &ks, &e), -1);
    assert_int_equal(e.code, ERR_KEYSET_INVALID);
    assert_string_equal(e.text, "the keyset has 33 keys, and at most 32 are supported: remove keys that no "
                                "object is encrypted with");
}

static void says_what_is_no_keyset(void **state)
{
    const struct {
        struct view bytes;
        const char *message;
    } CASES[] = {
        {VIEW_LITERAL(""), "the keyset has no keys"},
        {VIEW_LITERAL("\x08\x01"), "the keyset has no keys"},
        {VIEW_LITERAL("{\"primaryKeyId\": 1}"), "not a Tink keyset in binary form"},
        {VIEW_LITERAL("\x10\x01"), "not a Tink keyset in binary form"},
        {VIEW_LITERAL("\x12\x00"), "there is no enabled primary key"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct keyset ks;
        struct err e CLEANUP(err_fini) = {0};
        assert_int_equal(keyset_parse(CASES[i].bytes, &ks, &e), -1);
        assert_string_equal(e.text, CASES[i].message);
    }
}

/* A keyset of a primary key with segments of 1 MiB, and of an older one with segments of 4 KiB. */
static void the_size_before_the_first_byte_is_that_of_the_key_that_is_named(void **state)
{
    enum { PLAIN = 1 << 20 };
    struct keyset_key keys[] = {
        {.id = 1, .is_enabled = true, .params = {1 << 20, 32, STREAM_SHA256}},
        {.id = 2, .is_enabled = true, .params = {4096, 32, STREAM_SHA256}},
        {.id = 3, .is_enabled = false, .params = {64, 32, STREAM_SHA256}},
    };
    struct keyset ks = {.keys = keys, .count = ARRAY_LEN(keys), .primary = 0};
    uint64_t cipher[] = {stream_cipher_size(&keys[0].params, PLAIN),
                         stream_cipher_size(&keys[1].params, PLAIN)};
    (void)state;
    assert_int_equal(stream_least_plain_size(&ks, 1, cipher[0]), PLAIN);
    assert_int_equal(stream_least_plain_size(&ks, 2, cipher[1]), PLAIN);
    assert_int_equal(stream_least_plain_size(&ks, 0, cipher[1]), PLAIN);
    uint64_t least = stream_least_plain_size(&ks, 0, cipher[0]);
    assert_true(least < PLAIN && least > PLAIN - PLAIN / 200);
    /* A hint that names none, a disabled one, or one that cannot have written it decides nothing. */
    assert_int_equal(stream_least_plain_size(&ks, 9, cipher[0]), least);
    assert_int_equal(stream_least_plain_size(&ks, 3, cipher[0]), least);
    assert_int_equal(stream_least_plain_size(&ks, 2, 4096 + 1), 4097 - 40 - 16);
    assert_int_equal(stream_least_plain_size(&ks, 1, 40), 0);
}

static void refuses_damaged_keysets(void **state)
{
    uint8_t bytes[256];
    size_t length;
    (void)state;
    assert_int_equal(base64_decode(view_from(KEYSET), bytes, sizeof(bytes), &length), 0);
    for (size_t cut = 0; cut < length; cut++) {
        struct keyset ks;
        struct err e = {0};
        assert_int_equal(keyset_parse(view_of(bytes, cut), &ks, &e), -1);
        assert_int_equal(e.code, ERR_KEYSET_INVALID);
        err_fini(&e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_what_tink_writes_at_every_border),
        cmocka_unit_test(reads_in_any_portions),
        cmocka_unit_test(hands_out_nothing_of_a_segment_with_a_flipped_byte),
        cmocka_unit_test(notices_truncation_at_every_byte),
        cmocka_unit_test(another_name_does_not_open_it),
        cmocka_unit_test(tries_every_key_of_the_keyset),
        cmocka_unit_test(tries_keys_of_other_segment_sizes_in_any_order),
        cmocka_unit_test(a_generated_keyset_is_read_back_and_writes_readable_streams),
        cmocka_unit_test(a_stream_has_no_more_segments_than_a_nonce_counts),
        cmocka_unit_test(refuses_damaged_keysets),
        cmocka_unit_test(says_how_many_keys_are_too_many),
        cmocka_unit_test(says_what_is_no_keyset),
        cmocka_unit_test(the_size_before_the_first_byte_is_that_of_the_key_that_is_named),
    };
    return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
