#include "crypt/stream_reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "crypt/stream_int.h"

#include "base/banned.h"

struct stream_reader {
    struct stream_source source;
    struct byte_sink sink;

    const struct keyset_key *key; /* NULL until it is known which one it is */
    struct segment_cipher cipher;
    uint8_t header[STREAM_HEADER_MAX];
    uint8_t tag[STREAM_TAG];
    uint64_t offset;      /* ciphertext bytes taken so far */
    uint64_t segment_end; /* offset of the first byte after the current segment's tag */
    uint32_t number;
    uint8_t *segment; /* decrypted, not verified yet */
    size_t capacity;  /* of segment */
    size_t held;      /* plaintext bytes in it */
    /* While several keys are possible: the object's beginning, as long as the longest first segment. */
    uint8_t *start;
    size_t start_bytes;
};

struct stream_reader *stream_reader_new(const struct stream_source *source, struct byte_sink sink)
{
    struct stream_reader *r = xcalloc(1, sizeof(*r));
    r->source = *source;
    r->sink = sink;
    return r;
}

void stream_reader_free(struct stream_reader *r)
{
    if (r == NULL)
        return;
    segment_cipher_fini(&r->cipher);
    if (r->segment != NULL)
        secret_wipe(r->segment, r->capacity);
    free(r->segment);
    free(r->start);
    free(r);
}

static bool is_candidate(const struct stream_reader *r, const struct keyset_key *key)
{
    uint64_t ignored;
    return key->is_enabled && (r->source.key_id == 0 || key->id == r->source.key_id) &&
           r->header[0] == stream_header_bytes(&key->params) &&
           stream_plain_size(&key->params, r->source.cipher_bytes, &ignored) == 0;
}

/* The first key after `after` (NULL: the first of all) with which the object can have been written. */
static const struct keyset_key *next_candidate(const struct stream_reader *r, const struct keyset_key *after)
{
    for (size_t i = after == NULL ? 0 : (size_t)(after - r->source.keys->keys) + 1; i < r->source.keys->count;
         i++)
        if (is_candidate(r, &r->source.keys->keys[i]))
            return &r->source.keys->keys[i];
    return NULL;
}

static void plan_segment(struct stream_reader *r)
{
    uint64_t end = ((uint64_t)r->number + 1) * r->key->params.segment_bytes;
    r->segment_end = end < r->source.cipher_bytes ? end : r->source.cipher_bytes;
    r->held = 0;
    segment_begin(&r->cipher, r->number, r->segment_end == r->source.cipher_bytes);
}

static void use_key(struct stream_reader *r, const struct keyset_key *key)
{
    segment_cipher_fini(&r->cipher);
    if (key->params.segment_bytes > r->capacity) {
        free(r->segment); /* nothing was verified yet */
        r->segment = xmalloc(key->params.segment_bytes);
        r->capacity = key->params.segment_bytes;
    }
    r->key = key;
    segment_cipher_init(&r->cipher, key, r->header, r->source.associated_data, false);
    plan_segment(r);
}

static size_t smaller(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

static int start(struct stream_reader *r, struct err *e)
{
    const struct keyset_key *key = next_candidate(r, NULL);
    if (r->source.expected_header != NULL && memcmp(r->header, r->source.expected_header, r->header[0]) != 0)
        return FAIL(e, ERR_DATA_TAMPERED, "the object's header is not the one in the manifest");
    if (key == NULL)
        return FAIL(e, r->header[0] == 24 || r->header[0] == 40 ? ERR_DATA_TRUNCATED : ERR_DATA_TAMPERED,
                    "an object of %llu bytes that begins with 0x%02x is not a stream of this keyset",
                    (unsigned long long)r->source.cipher_bytes, r->header[0]);
    if (next_candidate(r, key) == NULL) {
        use_key(r, key);
        return 0;
    }
    for (; key != NULL; key = next_candidate(r, key)) {
        size_t bytes = smaller(r->source.cipher_bytes, key->params.segment_bytes);
        r->start_bytes = bytes > r->start_bytes ? bytes : r->start_bytes;
    }
    r->start = xmalloc(r->start_bytes);
    memcpy(r->start, r->header, r->header[0]);
    return 0;
}

static int not_authentic(const struct stream_reader *r, struct err *e)
{
    return FAIL(e, ERR_DATA_TAMPERED, "segment %u does not authenticate under this key and name", r->number);
}

/* True when the first segment authenticates under that key. */
static bool is_opened_by(struct stream_reader *r, const struct keyset_key *key, const uint8_t *start_bytes)
{
    use_key(r, key);
    const uint8_t *body = start_bytes + r->header[0];
    size_t length = (size_t)r->segment_end - STREAM_TAG - r->header[0];
    segment_update(&r->cipher, body, length, r->segment);
    return segment_verify(&r->cipher, body + length);
}

/* Tries the keys in turn on the object's beginning, then reads it again with the key that fits. */
static int choose_key(struct stream_reader *r, struct err *e)
{
    uint8_t *bytes CLEANUP(cleanup_free) = TAKE_PTR(r->start);
    const struct keyset_key *key = next_candidate(r, NULL);
    while (key != NULL && !is_opened_by(r, key, bytes))
        key = next_candidate(r, key);
    if (key == NULL)
        return not_authentic(r, e);
    use_key(r, key);
    r->offset = r->header[0];
    return stream_reader_feed(r, bytes + r->offset, r->start_bytes - r->offset, e);
}

static int end_segment(struct stream_reader *r, struct err *e)
{
    if (!segment_verify(&r->cipher, r->tag))
        return not_authentic(r, e);
    if (r->held > 0 && r->sink.take(r->sink.context, r->segment, r->held, e) < 0)
        return -1;
    r->number++;
    if (r->offset < r->source.cipher_bytes)
        plan_segment(r);
    return 0;
}

/* Takes some of the bytes; returns how many, or -1. */
static ssize_t take(struct stream_reader *r, const uint8_t *bytes, size_t length, struct err *e)
{
    size_t n;
    if (r->offset == 0 || r->offset < r->header[0]) {
        if (r->offset == 0 && (bytes[0] < 24 || bytes[0] > STREAM_HEADER_MAX))
            return FAIL(e, ERR_DATA_TAMPERED, "not a stream: it begins with 0x%02x", bytes[0]);
        n = smaller((r->offset == 0 ? bytes[0] : r->header[0]) - r->offset, length);
        memcpy(r->header + r->offset, bytes, n);
        r->offset += n;
        return r->offset == r->header[0] && start(r, e) < 0 ? -1 : (ssize_t)n;
    }
    if (r->start != NULL) {
        n = smaller(r->start_bytes - r->offset, length);
        memcpy(r->start + r->offset, bytes, n);
        r->offset += n;
        return r->offset == r->start_bytes && choose_key(r, e) < 0 ? -1 : (ssize_t)n;
    }
    uint64_t body_end = r->segment_end - STREAM_TAG;
    if (r->offset < body_end) {
        n = smaller(body_end - r->offset, length);
        segment_update(&r->cipher, bytes, n, r->segment + r->held);
        r->held += n;
    } else {
        n = smaller(r->segment_end - r->offset, length);
        memcpy(r->tag + (r->offset - body_end), bytes, n);
    }
    r->offset += n;
    return r->offset == r->segment_end && end_segment(r, e) < 0 ? -1 : (ssize_t)n;
}

int stream_reader_feed(struct stream_reader *r, const void *bytes, size_t length, struct err *e)
{
    const uint8_t *at = bytes;
    if (length > r->source.cipher_bytes - r->offset)
        return FAIL(e, ERR_DATA_TAMPERED, "received more bytes than the object has");
    while (length > 0) {
        ssize_t n = take(r, at, length, e);
        if (n < 0)
            return -1;
        at += n;
        length -= (size_t)n;
    }
    return 0;
}

int stream_reader_finish(const struct stream_reader *r, struct err *e)
{
    if (r->key == NULL || r->offset != r->source.cipher_bytes)
        return FAIL(e, ERR_DATA_TRUNCATED, "the object ends after %llu of %llu bytes",
                    (unsigned long long)r->offset, (unsigned long long)r->source.cipher_bytes);
    return 0;
}
