#include "crypt/stream_writer.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "crypt/digest.h"
#include "crypt/stream_int.h"

#include "base/banned.h"

struct stream_writer {
    struct segment_cipher cipher;
    struct stream_params params;
    uint8_t header[STREAM_HEADER_MAX];
    uint64_t left; /* plaintext bytes */
    uint32_t number;
    bool is_done;
};

struct stream_writer *stream_writer_new(const struct keyset *keys, struct view associated_data,
                                        uint64_t plain_bytes)
{
    const struct keyset_key *key = &keys->keys[keys->primary];
    struct stream_writer *w = xcalloc(1, sizeof(*w));
    w->params = key->params;
    w->left = plain_bytes;
    w->header[0] = (uint8_t)stream_header_bytes(&w->params);
    random_bytes(w->header + 1, w->header[0] - 1U);
    segment_cipher_init(&w->cipher, key, w->header, associated_data, true);
    return w;
}

const uint8_t *stream_writer_header(const struct stream_writer *w)
{
    return w->header;
}

size_t stream_writer_next_bytes(const struct stream_writer *w)
{
    size_t room = w->params.segment_bytes - STREAM_TAG - (w->number == 0 ? w->header[0] : 0U);
    return w->left < room ? (size_t)w->left : room;
}

size_t stream_writer_segment(struct stream_writer *w, const void *plain, void *out)
{
    uint8_t *at = out;
    size_t length = stream_writer_next_bytes(w);
    if (w->is_done)
        abort();
    if (w->number == 0) {
        memcpy(at, w->header, w->header[0]);
        at += w->header[0];
    }
    w->left -= length;
    w->is_done = w->left == 0;
    segment_begin(&w->cipher, w->number++, w->is_done);
    segment_update(&w->cipher, plain, length, at);
    segment_seal(&w->cipher, at + length);
    return (size_t)(at - (uint8_t *)out) + length + STREAM_TAG;
}

void stream_writer_free(struct stream_writer *w)
{
    if (w == NULL)
        return;
    segment_cipher_fini(&w->cipher);
    free(w);
}
