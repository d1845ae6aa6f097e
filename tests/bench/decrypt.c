/*
 * How fast one core decrypts a sealed object in memory: the agent's own reader, fed in the portions that
 * the network gives, with plaintext copied into a staging area. Prints bytes per second.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "crypt/stream_reader.h"
#include "crypt/stream_writer.h"
#include "os/loop.h"

#include "base/banned.h"

enum { OBJECT_BYTES = 256 * 1024 * 1024, PORTION = 128 * 1024, ROUNDS = 6 };

struct target {
    uint8_t *bytes;
    size_t used;
};

static int stage(void *context, const void *bytes, size_t length, struct err *e)
{
    struct target *t = context;
    (void)e;
    memcpy(t->bytes + t->used, bytes, length);
    t->used += length;
    return 0;
}

static void fill(const struct keyset *ks, struct view name, struct strbuf *cipher)
{
    uint8_t *in = xcalloc(1, 1024 * 1024), *out = xmalloc(1024 * 1024);
    struct stream_writer *w = stream_writer_new(ks, name, OBJECT_BYTES);
    while (stream_writer_next_bytes(w) > 0)
        strbuf_add(cipher, out, stream_writer_segment(w, in, out));
    stream_writer_free(w);
    free(in);
    free(out);
}

static int read_once(const struct keyset *ks, struct view name, const struct strbuf *cipher, struct target *t)
{
    struct err e CLEANUP(err_fini) = {0};
    t->used = 0;
    struct stream_source source = {.keys = ks, .associated_data = name, .cipher_bytes = cipher->len};
    struct stream_reader *r = stream_reader_new(&source, (struct byte_sink){stage, t});
    int result = 0;
    for (size_t at = 0; result == 0 && at < cipher->len; at += PORTION)
        result = stream_reader_feed(r, cipher->data + at,
                                    cipher->len - at < PORTION ? cipher->len - at : PORTION, &e);
    if (result == 0)
        result = stream_reader_finish(r, &e);
    stream_reader_free(r);
    return result;
}

int main(void)
{
    struct keyset ks;
    struct secret serialized CLEANUP(secret_free) = {.bytes = NULL};
    struct view name = VIEW_LITERAL("gs://bucket/object");
    struct strbuf cipher = STRBUF((size_t)OBJECT_BYTES + OBJECT_BYTES / 16);
    struct target t = {.bytes = xcalloc(1, OBJECT_BYTES)};
    keyset_generate(&ks, &serialized);
    fill(&ks, name, &cipher);
    int64_t best_ms = INT64_MAX;
    for (int i = 0; i < ROUNDS; i++) {
        int64_t began = clock_boot_ms();
        if (read_once(&ks, name, &cipher, &t) < 0)
            return 1;
        int64_t took = clock_boot_ms() - began;
        best_ms = took < best_ms ? took : best_ms;
    }
    printf("%.0f\n", (double)OBJECT_BYTES / ((double)best_ms / 1000.0));
    free(t.bytes);
    strbuf_fini(&cipher);
    keyset_free(&ks);
    return 0;
}
