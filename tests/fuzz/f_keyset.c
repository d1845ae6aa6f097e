/* A keyset that is accepted can be used; one that is not leaves nothing behind. */
#include <string.h>

#include "crypt/keyset.h"
#include "fuzz.h"

#include "base/banned.h"

static void check_key(const struct keyset *ks, const struct keyset_key *key)
{
    const struct stream_params *p = &key->params;
    if (!key->is_enabled) {
        CHECK(key->material.len == 0);
        CHECK(keyset_find(ks, key->id) == NULL);
        return;
    }
    CHECK(keyset_find(ks, key->id) == key);
    CHECK(p->derived_bytes == 16 || p->derived_bytes == 32);
    CHECK(p->segment_bytes > p->derived_bytes + 24 && p->segment_bytes <= 16 * 1024 * 1024);
    CHECK(p->hash == STREAM_SHA1 || p->hash == STREAM_SHA256 || p->hash == STREAM_SHA512);
    CHECK(key->material.len >= 16 && key->material.len >= p->derived_bytes);
}

static void read_keyset(struct view text)
{
    struct keyset ks = {.keys = NULL, .count = 77};
    struct err e = {0};
    if (keyset_parse(text, &ks, &e) < 0) {
        CHECK(e.code == ERR_KEYSET_INVALID);
        CHECK(ks.keys == NULL && ks.count == 77);
        fuzz_check_error(&e);
        return;
    }
    CHECK(e.code == ERR_NONE);
    CHECK(ks.primary < ks.count && ks.keys[ks.primary].is_enabled);
    for (size_t i = 0; i < ks.count; i++)
        check_key(&ks, &ks.keys[i]);
    keyset_free(&ks);
}

/* A new keyset is read back as it was made, and any beginning of it is refused. */
static void check_generated(void)
{
    struct keyset made, read;
    struct secret text = {.bytes = NULL};
    struct err e = {0};
    keyset_generate(&made, &text);
    CHECK(keyset_parse(view_of(text.bytes, text.len), &read, &e) == 0);
    const struct keyset_key *a = &made.keys[0], *b = &read.keys[0];
    CHECK(read.count == 1 && a->id == b->id && a->material.len == b->material.len);
    CHECK(memcmp(a->material.bytes, b->material.bytes, a->material.len) == 0);
    CHECK(a->params.segment_bytes == b->params.segment_bytes && a->params.hash == b->params.hash);
    for (size_t length = 0; length < text.len; length++) {
        struct keyset ks;
        if (keyset_parse(view_of(text.bytes, length), &ks, &e) == 0)
            keyset_free(&ks); /* without its last field, the kind of prefix, it is whole */
        else
            fuzz_check_error(&e);
    }
    secret_free(&text);
    keyset_free(&made);
    keyset_free(&read);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length == 0)
        check_generated();
    read_keyset(view_of(bytes, length));
    return 0;
}
