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

    const struct keyset_key *key; /* NULL until the first segment has told which one it is */
    struct segment_cipher cipher;
    uint8_t header[STREAM_HEADER_MAX];
    uint8_t tag[STREAM_TAG];
    uint64_t cipher_bytes; /* of the whole object */
    uint64_t offset;       /* bytes taken so far */
    uint64_t segment_end;  /* offset behind the current segment's tag */
    uint32_t number;
    uint8_t *segment; /* decrypted, not verified yet */
    size_t held;      /* plaintext bytes in it */
    uint8_t *tried;   /* with several keys: ciphertext of the first segment */
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
        secret_wipe(r->segment, r->key->params.segment_bytes);
    free(r->segment);
    free(r->tried);
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
    if (r->key == NULL || key->params.segment_bytes > r->key->params.segment_bytes) {
        free(r->segment);
        r->segment = xmalloc(key->params.segment_bytes);
    }
    r->key = key;
    segment_cipher_init(&r->cipher, key, r->header, r->associated_data, false);
    plan_segment(r);
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
    use_key(r, key);
    if (next_candidate(r, key) != NULL)
        r->tried = xmalloc(key->params.segment_bytes);
    return 0;
}

/* Decrypts the first segment, kept in r->tried, with one key after the other. */
static bool try_other_keys(struct stream_reader *r, size_t body)
{
    for (const struct keyset_key *key = next_candidate(r, r->key); key != NULL;
         key = next_candidate(r, key)) {
        uint64_t end = r->segment_end;
        use_key(r, key);
        if (r->segment_end != end)
            continue; /* another segment size on an object of several segments: cannot be tried on these bytes
                       */
        segment_update(&r->cipher, r->tried, body, r->segment);
        r->held = body;
        if (segment_verify(&r->cipher, r->tag))
            return true;
    }
    return false;
}

static int end_segment(struct stream_reader *r, struct err *e)
{
    bool is_right = segment_verify(&r->cipher, r->tag);
    if (!is_right && r->tried != NULL)
        is_right = try_other_keys(r, r->held);
    free(r->tried);
    r->tried = NULL;
    if (!is_right)
        return FAIL(e, ERR_DATA_TAMPERED, "segment %u is not what was written under this key and name",
                    r->number);
    if (r->held > 0 && r->sink(r->context, r->segment, r->held, e) < 0)
        return -1;
    r->number++;
    if (r->offset < r->cipher_bytes)
        plan_segment(r);
    return 0;
}

static size_t smaller(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
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
    uint64_t body_end = r->segment_end - STREAM_TAG;
    if (r->offset < body_end) {
        n = smaller(body_end - r->offset, length);
        segment_update(&r->cipher, bytes, n, r->segment + r->held);
        if (r->tried != NULL)
            memcpy(r->tried + r->held, bytes, n);
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
