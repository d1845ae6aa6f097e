#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "crypt/stream_int.h"

#include "base/banned.h"

struct stream_reader {
    const struct keyset *ks;
    uint32_t key_id;
    struct view associated_data;
    const uint8_t *expected_header;
    int (*sink)(void *context, const void *bytes, size_t length, struct err *e);
    void *context;

    const struct keyset_key *key; /* NULL until it is known which one it is */
    struct segment_cipher cipher;
    uint8_t header[STREAM_HEADER_MAX];
    uint8_t tag[STREAM_TAG];
    uint64_t cipher_bytes; /* of the whole object */
    uint64_t offset;       /* bytes taken so far */
    uint64_t segment_end;  /* offset behind the current segment's tag */
    uint32_t number;
    uint8_t *segment; /* decrypted, not verified yet */
    size_t capacity;  /* of segment */
    size_t held;      /* plaintext bytes in it */
    uint8_t
        *start; /* while several keys could be it: the object up to the end of the longest first segment */
    size_t start_bytes;
};

struct stream_reader *
stream_reader_new(const struct keyset *ks, uint32_t key_id, struct view associated_data,
                  const uint8_t *expected_header, uint64_t cipher_bytes,
                  int (*sink)(void *context, const void *bytes, size_t length, struct err *e), void *context)
{
    struct stream_reader *r = xcalloc(1, sizeof(*r));
    r->ks = ks;
    r->key_id = key_id;
    r->associated_data = associated_data;
    r->expected_header = expected_header;
    r->cipher_bytes = cipher_bytes;
    r->sink = sink;
    r->context = context;
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
    return key->is_enabled && (r->key_id == 0 || key->id == r->key_id) &&
           r->header[0] == stream_header_bytes(&key->params) &&
           stream_plain_size(&key->params, r->cipher_bytes, &ignored) == 0;
}

/* The first key after `after` (NULL: from the start) that the object could have been written with. */
static const struct keyset_key *next_candidate(const struct stream_reader *r, const struct keyset_key *after)
{
    for (size_t i = after == NULL ? 0 : (size_t)(after - r->ks->keys) + 1; i < r->ks->count; i++)
        if (is_candidate(r, &r->ks->keys[i]))
            return &r->ks->keys[i];
    return NULL;
}

static void plan_segment(struct stream_reader *r)
{
    uint64_t end = ((uint64_t)r->number + 1) * r->key->params.segment_bytes;
    r->segment_end = end < r->cipher_bytes ? end : r->cipher_bytes;
    r->held = 0;
    segment_begin(&r->cipher, r->number, r->segment_end == r->cipher_bytes);
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
    segment_cipher_init(&r->cipher, key, r->header, r->associated_data, false);
    plan_segment(r);
}

static size_t smaller(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

static int start(struct stream_reader *r, struct err *e)
{
    const struct keyset_key *key = next_candidate(r, NULL);
    if (r->expected_header != NULL && memcmp(r->header, r->expected_header, r->header[0]) != 0)
        return FAIL(e, ERR_DATA_TAMPERED, "the object's header is not the one that the manifest names");
    if (key == NULL)
        return FAIL(e, r->header[0] == 24 || r->header[0] == 40 ? ERR_DATA_TRUNCATED : ERR_DATA_TAMPERED,
                    "%llu bytes that begin with 0x%02x are no stream of this keyset",
                    (unsigned long long)r->cipher_bytes, r->header[0]);
    if (next_candidate(r, key) == NULL) {
        use_key(r, key);
        return 0;
    }
    for (; key != NULL; key = next_candidate(r, key)) {
        size_t bytes = smaller(r->cipher_bytes, key->params.segment_bytes);
        r->start_bytes = bytes > r->start_bytes ? bytes : r->start_bytes;
    }
    r->start = xmalloc(r->start_bytes);
    memcpy(r->start, r->header, r->header[0]);
    return 0;
}

static int not_authentic(const struct stream_reader *r, struct err *e)
{
    return FAIL(e, ERR_DATA_TAMPERED, "segment %u is not what was written under this key and name",
                r->number);
}

/* Does the first segment authenticate under that key? */
static bool is_opened_by(struct stream_reader *r, const struct keyset_key *key, const uint8_t *start_bytes)
{
    use_key(r, key);
    const uint8_t *body = start_bytes + r->header[0];
    size_t length = (size_t)r->segment_end - STREAM_TAG - r->header[0];
    segment_update(&r->cipher, body, length, r->segment);
    return segment_verify(&r->cipher, body + length);
}

/* Tries one key after the other on the start of the object, and reads it anew with the one that it is. */
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
    if (r->held > 0 && r->sink(r->context, r->segment, r->held, e) < 0)
        return -1;
    r->number++;
    if (r->offset < r->cipher_bytes)
        plan_segment(r);
    return 0;
}

/* Takes some of the bytes; returns how many, or -1. */
static ssize_t take(struct stream_reader *r, const uint8_t *bytes, size_t length, struct err *e)
{
    size_t n;
    if (r->offset == 0 || r->offset < r->header[0]) {
        if (r->offset == 0 && (bytes[0] < 24 || bytes[0] > STREAM_HEADER_MAX))
            return FAIL(e, ERR_DATA_TAMPERED, "a stream does not begin with 0x%02x", bytes[0]);
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
    if (length > r->cipher_bytes - r->offset)
        return FAIL(e, ERR_DATA_TAMPERED, "more bytes than the object has");
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
    if (r->key == NULL || r->offset != r->cipher_bytes)
        return FAIL(e, ERR_DATA_TRUNCATED, "the object ends after %llu of %llu bytes",
                    (unsigned long long)r->offset, (unsigned long long)r->cipher_bytes);
    return 0;
}
