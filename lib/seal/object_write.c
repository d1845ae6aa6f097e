#include "seal/object_write.h"

#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "crypt/stream_writer.h"
#include "gcp/gcs_upload.h"
#include "os/file.h"

#include "base/banned.h"

/* Where the plaintext comes from, and one segment of it. */
struct plaintext {
    struct stream_writer *writer;
    uint64_t size;     /* of the whole plaintext */
    int fd;            /* -1: from memory */
    struct view bytes; /* the rest, from memory */
    uint64_t offset;
    uint8_t *in, *out;
    size_t held, taken; /* ciphertext in out */
};

static int next_segment(struct plaintext *p, struct err *e)
{
    size_t want = stream_writer_next_bytes(p->writer), got = 0;
    const void *plain = p->bytes.ptr;
    if (p->fd >= 0) {
        if (fd_read_at(p->fd, p->in, want, p->offset, &got, e) < 0)
            return -1;
        if (got < want)
            return FAIL(e, ERR_OUTPUT_CHANGED, "the file was truncated while it was read");
        plain = p->in;
    } else {
        p->bytes = view_skip(p->bytes, want);
    }
    p->offset += want;
    p->held = stream_writer_segment(p->writer, plain, p->out);
    p->taken = 0;
    return 0;
}

static int produce(void *context, void *out, size_t length, struct err *e)
{
    struct plaintext *p = context;
    uint8_t *at = out;
    while (length > 0) {
        if (p->taken == p->held && next_segment(p, e) < 0)
            return -1;
        size_t n = p->held - p->taken < length ? p->held - p->taken : length;
        memcpy(at, p->out + p->taken, n);
        p->taken += n;
        at += n;
        length -= n;
    }
    return 0;
}

enum { SMALL_MAX = 1024 * 1024, UPLOAD_TRIES = 5 };

static int store(const struct seal_context *c, const struct seal_target *t, struct plaintext *p,
                 const struct sealed *sealed, struct err *e)
{
    char *key_id CLEANUP(cleanup_free) = xasprintf("%u", sealed->key_id);
    char *size CLEANUP(cleanup_free) = xasprintf("%llu", (unsigned long long)sealed->cipher_bytes);
    struct gcs_metadata hints[] = {
        {GCS_KEY_ID_HINT, key_id}, {GCS_NAME_HINT, t->associated_data}, {GCS_SIZE_HINT, size}};
    struct gcs_write w = {.name = t->name,
                          .if_generation = t->if_generation,
                          .metadata = hints,
                          .metadata_count = ARRAY_LEN(hints)};
    struct gcs_content content = {.size = sealed->cipher_bytes, .produce = produce, .context = p};
    if (sealed->cipher_bytes > SMALL_MAX)
        return gcs_upload(&c->bucket, &w, &content, e);
    uint8_t *bytes CLEANUP(cleanup_free) = xmalloc((size_t)sealed->cipher_bytes);
    if (produce(p, bytes, (size_t)sealed->cipher_bytes, e) < 0)
        return -1;
    return gcs_write_small(&c->bucket, &w, view_of(bytes, (size_t)sealed->cipher_bytes), NULL, e);
}

/* Writes one stream with its own header, from the first byte of the plaintext. */
static int write_stream(const struct seal_context *c, const struct seal_target *t,
                        const struct plaintext *from, struct sealed *ret, struct err *e)
{
    const struct keyset_key *key = &c->keys->keys[c->keys->primary];
    size_t segment = key->params.segment_bytes;
    struct plaintext p = *from;
    struct sealed sealed = {.plain_bytes = from->size,
                            .cipher_bytes = stream_cipher_size(&key->params, from->size),
                            .header_bytes = stream_header_bytes(&key->params),
                            .key_id = key->id};
    uint64_t ignored;
    if (stream_plain_size(&key->params, sealed.cipher_bytes, &ignored) < 0)
        return FAIL(e, ERR_TOO_LARGE, "%llu bytes are too many for the segments of %u bytes of key %u",
                    (unsigned long long)from->size, key->params.segment_bytes, key->id);
    p.writer = stream_writer_new(c->keys, view_from(t->associated_data), from->size);
    memcpy(sealed.header, stream_writer_header(p.writer), sealed.header_bytes);
    p.in = xmalloc(segment);
    p.out = xmalloc(segment);
    int result = store(c, t, &p, &sealed, e);
    secret_wipe(p.in, segment);
    free(p.in);
    free(p.out);
    stream_writer_free(p.writer);
    if (result == 0)
        *ret = sealed;
    return result;
}

/* An upload whose session was lost starts over with a new header: no header is used for two ciphertexts. */
static int write_plaintext(const struct seal_context *c, const struct seal_target *t,
                           const struct plaintext *from, struct sealed *ret, struct err *e)
{
    struct gcp_retry retry;
    int tries = 0;
    gcp_client_retry_init(&c->bucket.client, &retry);
    retry.deadline_ms = INT64_MAX; /* an upload may take hours: its tries are counted */
    while (write_stream(c, t, from, ret, e) < 0) {
        /* Writing answers 404 when the bucket does not exist or is not visible to us. */
        if (e->code == ERR_DENIED || e->code == ERR_NOT_FOUND)
            err_recode(e, ERR_OUTPUT_DENIED);
        if (e->code != ERR_GONE)
            return -1;
        err_recode(e, ERR_UNAVAILABLE); /* the server's fault, whatever it has lost */
        if (++tries == UPLOAD_TRIES || gcp_retry_wait(&retry, NULL, e) < 0)
            return -1;
    }
    return 0;
}

int seal_write_file(const struct seal_context *c, const struct seal_target *t, int fd, uint64_t plain_bytes,
                    struct sealed *ret, struct err *e)
{
    struct plaintext from = {.fd = fd, .size = plain_bytes};
    struct sealed sealed;
    struct stat before, after;
    if (fstat(fd, &before) < 0)
        return FAIL_ERRNO(e, "looking at the file");
    if (write_plaintext(c, t, &from, &sealed, e) < 0)
        return -1;
    if (fstat(fd, &after) < 0)
        return FAIL_ERRNO(e, "looking at the file");
    if (after.st_size != before.st_size || after.st_mtim.tv_sec != before.st_mtim.tv_sec ||
        after.st_mtim.tv_nsec != before.st_mtim.tv_nsec)
        return FAIL(e, ERR_OUTPUT_CHANGED, "the file was written to while it was read");
    *ret = sealed;
    return 0;
}

int seal_write_bytes(const struct seal_context *c, const struct seal_target *t, struct view plain,
                     struct sealed *ret, struct err *e)
{
    struct plaintext from = {.fd = -1, .bytes = plain, .size = plain.len};
    return write_plaintext(c, t, &from, ret, e);
}
