#include "seal/object.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "crypt/stream_writer.h"
#include "os/file.h"

#include "base/banned.h"

void seal_item_fini(struct seal_item *item)
{
    gcs_object_fini(&item->object);
    free(item->path);
    free(item->associated_data);
    *item = (struct seal_item){.path = NULL};
}

bool seal_path_is_safe(const char *path)
{
    struct view rest = view_from(path);
    if (rest.len == 0 || rest.len > 1024 || view_has_suffix(rest, "/"))
        return false;
    while (rest.len > 0) {
        struct view part = view_cut(rest, '/', &rest);
        if (part.len == 0 || part.len > 255 || view_equal_text(part, ".") || view_equal_text(part, ".."))
            return false;
    }
    return true;
}

/* ---- reading ---- */

/* Storage's refusals, as a person who wrote a job understands them. */
static int explain_storage(struct err *e)
{
    if (e->code == ERR_NOT_FOUND)
        err_recode(e, ERR_DATA_NOT_FOUND);
    else if (e->code == ERR_DENIED)
        err_recode(e, ERR_DATA_ACCESS_DENIED);
    return -1;
}

/* It does not authenticate: which of the known accidents and attacks is it? */
static int explain_damage(const struct seal_item *item, const struct keyset *ks, struct err *e)
{
    char *uri CLEANUP(cleanup_free) = gcs_uri(item->object.bucket, item->object.name);
    if (e->code == ERR_DATA_TAMPERED || e->code == ERR_DATA_TRUNCATED) {
        enum err_code was = e->code;
        err_fini(e);
        if (item->object.key_id != 0 && keyset_find(ks, item->object.key_id) == NULL)
            err_set(e, ERR_KEY_MISMATCH, uri, "%s was encrypted under key %u, which the keyset does not have",
                    uri, item->object.key_id);
        else if (item->object.sealed_name != NULL &&
                 strcmp(item->object.sealed_name, item->associated_data) != 0)
            err_set(e, ERR_DATA_SWAPPED, uri, "%s holds what was encrypted as \"%s\", not as \"%s\"", uri,
                    item->object.sealed_name, item->associated_data);
        else if (was == ERR_DATA_TRUNCATED || item->object.size < item->object.sealed_size)
            err_set(e, ERR_DATA_TRUNCATED, uri, "%s is cut off: it has %llu bytes", uri,
                    (unsigned long long)item->object.size);
        else
            err_set(e, ERR_DATA_TAMPERED, uri,
                    "%s was changed after it was encrypted, or under another key or name", uri);
    } else {
        err_name_object(e, uri);
    }
    return -1;
}

static int feed(void *context, const void *bytes, size_t length, struct err *e)
{
    return stream_reader_feed(context, bytes, length, e);
}

int seal_read(const struct gcp_site *site, struct http_session *s, const struct keyset *ks,
              const struct seal_item *item,
              int (*sink)(void *context, const void *bytes, size_t length, struct err *e), void *context,
              struct err *e)
{
    struct stream_source source = {.keys = ks,
                                   .key_id = item->key_id,
                                   .associated_data = view_from(item->associated_data),
                                   .expected_header = item->is_pinned ? item->header : NULL,
                                   .cipher_bytes = item->object.size};
    struct stream_reader *r = stream_reader_new(&source, (struct byte_sink){sink, context});
    int result = gcs_read(site, s, &item->object, feed, r, e);
    if (result < 0)
        (void)explain_storage(e);
    else
        result = stream_reader_finish(r, e);
    stream_reader_free(r);
    return result < 0 ? explain_damage(item, ks, e) : 0;
}

struct file_sink {
    int fd;
    uint64_t offset;
};

static int volume_full(const char *path, struct err *e)
{
    return FAIL_OBJECT(e, ERR_INPUT_VOLUME_FULL, path, "no room for %s in the memory volume of the inputs",
                       path);
}

static int write_plain(void *context, const void *bytes, size_t length, struct err *e)
{
    struct file_sink *sink = context;
    const char *at = bytes;
    while (length > 0) {
        ssize_t n = pwrite(sink->fd, at, length, (off_t)sink->offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == ENOSPC ? volume_full("a file", e) : FAIL_ERRNO(e, "writing");
        at += n;
        length -= (size_t)n;
        sink->offset += (uint64_t)n;
    }
    return 0;
}

/* ENOTDIR, EISDIR: what is a folder here is an object there. EEXIST: it was listed twice. */
static int not_made(const char *path, struct err *e)
{
    if (errno == ENOSPC)
        return volume_full(path, e);
    if (errno == ENOTDIR || errno == EISDIR || errno == EEXIST)
        return FAIL_OBJECT(e, ERR_INVALID, path,
                           "%s cannot be a file: another object has its name, or that of one of its folders",
                           path);
    return FAIL_ERRNO(e, "making %s", path);
}

/* Makes the parents of path below the directory and opens the file, new. */
static int open_below(int directory_fd, const char *path, struct err *e)
{
    char *copy CLEANUP(cleanup_free) = xstrdup(path);
    for (char *slash = strchr(copy, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdirat(directory_fd, copy, 0700) < 0 && errno != EEXIST)
            return not_made(path, e);
        *slash = '/';
    }
    int fd = openat(directory_fd, copy, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd < 0 ? not_made(path, e) : fd;
}

int seal_read_file(const struct gcp_site *site, struct http_session *s, const struct keyset *ks,
                   const struct seal_item *item, int directory_fd, struct err *e)
{
    int fd CLEANUP(cleanup_fd) = open_below(directory_fd, item->path, e);
    struct file_sink sink = {.fd = fd};
    if (fd < 0)
        return -1;
    /* Memory is reserved before the first byte comes: a full volume is an error here, never an OOM kill
     * later. */
    if (item->plain_bytes > 0) {
        int problem = posix_fallocate(fd, 0, (off_t)item->plain_bytes);
        if (problem == ENOSPC)
            return volume_full(item->path, e);
        if (problem != 0 && problem != EOPNOTSUPP) {
            errno = problem;
            return FAIL_ERRNO(e, "reserving memory for %s", item->path);
        }
    }
    if (seal_read(site, s, ks, item, write_plain, &sink, e) < 0)
        return -1;
    /* What was reserved is a guess until the key is known: another key's segments may be shorter. */
    return ftruncate(fd, (off_t)sink.offset) < 0 ? FAIL_ERRNO(e, "cutting %s to its length", item->path) : 0;
}

/* ---- writing ---- */
struct source {
    struct stream_writer *writer;
    int fd;            /* -1: from memory */
    struct view plain; /* what is left, from memory */
    uint64_t offset;
    uint8_t *in, *out;
    size_t held, taken; /* ciphertext in out */
};

static int next_segment(struct source *src, struct err *e)
{
    size_t want = stream_writer_next_bytes(src->writer), got = 0;
    const void *plain = src->plain.ptr;
    if (src->fd >= 0) {
        if (fd_read_at(src->fd, src->in, want, src->offset, &got, e) < 0)
            return -1;
        if (got < want)
            return FAIL(e, ERR_OUTPUT_CHANGED, "the file became shorter while it was read");
        plain = src->in;
    } else {
        src->plain = view_skip(src->plain, want);
    }
    src->offset += want;
    src->held = stream_writer_segment(src->writer, plain, src->out);
    src->taken = 0;
    return 0;
}

static int produce(void *context, void *out, size_t length, struct err *e)
{
    struct source *src = context;
    uint8_t *at = out;
    while (length > 0) {
        if (src->taken == src->held && next_segment(src, e) < 0)
            return -1;
        size_t n = src->held - src->taken < length ? src->held - src->taken : length;
        memcpy(at, src->out + src->taken, n);
        src->taken += n;
        at += n;
        length -= n;
    }
    return 0;
}

enum { SMALL_MAX = 1024 * 1024, UPLOAD_TRIES = 5 };

static int store(const struct gcp_site *site, struct http_session *s, struct source *src,
                 const struct sealed *sealed, const char *bucket, const char *name,
                 const char *associated_data, uint64_t if_generation, struct err *e)
{
    char *key_id CLEANUP(cleanup_free) = xasprintf("%u", sealed->key_id);
    char *size CLEANUP(cleanup_free) = xasprintf("%llu", (unsigned long long)sealed->cipher_bytes);
    struct gcs_pair pairs[] = {
        {GCS_KEY_ID_HINT, key_id}, {GCS_NAME_HINT, associated_data}, {GCS_SIZE_HINT, size}};
    if (sealed->cipher_bytes > SMALL_MAX)
        return gcs_upload(site, s, bucket, name, sealed->cipher_bytes, pairs, 3, if_generation, produce, src,
                          e);
    uint8_t *bytes CLEANUP(cleanup_free) = xmalloc((size_t)sealed->cipher_bytes);
    if (produce(src, bytes, (size_t)sealed->cipher_bytes, e) < 0)
        return -1;
    return gcs_write_small(site, s, bucket, name, view_of(bytes, (size_t)sealed->cipher_bytes), pairs, 3,
                           if_generation, NULL, e);
}

/* One stream of its own header, from the first byte. */
static int write_stream(const struct gcp_site *site, struct http_session *s, const struct keyset *ks,
                        const char *associated_data, const struct source *from, uint64_t plain_bytes,
                        const char *bucket, const char *name, uint64_t if_generation, struct sealed *ret,
                        struct err *e)
{
    const struct keyset_key *key = &ks->keys[ks->primary];
    size_t segment = key->params.segment_bytes;
    struct source src = *from;
    struct sealed sealed = {.plain_bytes = plain_bytes,
                            .cipher_bytes = stream_cipher_size(&key->params, plain_bytes),
                            .header_bytes = stream_header_bytes(&key->params),
                            .key_id = key->id};
    uint64_t ignored;
    if (stream_plain_size(&key->params, sealed.cipher_bytes, &ignored) < 0)
        return FAIL(e, ERR_TOO_LARGE, "%llu bytes are too many for the segments of %u bytes of key %u",
                    (unsigned long long)plain_bytes, key->params.segment_bytes, key->id);
    src.writer = stream_writer_new(ks, view_from(associated_data), plain_bytes);
    memcpy(sealed.header, stream_writer_header(src.writer), sealed.header_bytes);
    src.in = xmalloc(segment);
    src.out = xmalloc(segment);
    int result = store(site, s, &src, &sealed, bucket, name, associated_data, if_generation, e);
    secret_wipe(src.in, segment);
    free(src.in);
    free(src.out);
    stream_writer_free(src.writer);
    if (result == 0)
        *ret = sealed;
    return result;
}

/* An upload that the server has lost begins anew under a new header: no ciphertext is made twice for one. */
static int seal_source(const struct gcp_site *site, struct http_session *s, const struct keyset *ks,
                       const char *associated_data, const struct source *from, uint64_t plain_bytes,
                       const char *bucket, const char *name, uint64_t if_generation, struct sealed *ret,
                       struct err *e)
{
    int tries = 1;
    while (write_stream(site, s, ks, associated_data, from, plain_bytes, bucket, name, if_generation, ret,
                        e) < 0) {
        if (e->code == ERR_DENIED || e->code == ERR_NOT_FOUND)
            err_recode(e, ERR_OUTPUT_DENIED); /* writing answers 404 when the bucket is not there or not
                                                 ours to see */
        if (e->code != ERR_GONE || tries++ == UPLOAD_TRIES)
            return -1;
        err_fini(e);
    }
    return 0;
}

int seal_write_file(const struct gcp_site *site, struct http_session *s, const struct keyset *ks,
                    const char *associated_data, int fd, uint64_t plain_bytes, const char *bucket,
                    const char *name, uint64_t if_generation, struct sealed *ret, struct err *e)
{
    struct source src = {.fd = fd};
    struct sealed sealed;
    struct stat before, after;
    if (fstat(fd, &before) < 0)
        return FAIL_ERRNO(e, "looking at the file");
    if (seal_source(site, s, ks, associated_data, &src, plain_bytes, bucket, name, if_generation, &sealed,
                    e) < 0)
        return -1;
    if (fstat(fd, &after) < 0)
        return FAIL_ERRNO(e, "looking at the file");
    if (after.st_size != before.st_size || after.st_mtim.tv_sec != before.st_mtim.tv_sec ||
        after.st_mtim.tv_nsec != before.st_mtim.tv_nsec)
        return FAIL(e, ERR_OUTPUT_CHANGED, "the file was written to while it was read");
    *ret = sealed;
    return 0;
}

int seal_write_bytes(const struct gcp_site *site, struct http_session *s, const struct keyset *ks,
                     const char *associated_data, struct view plain, const char *bucket, const char *name,
                     struct sealed *ret, struct err *e)
{
    struct source src = {.fd = -1, .plain = plain};
    return seal_source(site, s, ks, associated_data, &src, plain.len, bucket, name, 0, ret, e);
}
