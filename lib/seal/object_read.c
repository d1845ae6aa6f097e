#include "seal/object_read.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "crypt/stream_reader.h"
#include "gcp/gcs_read.h"
#include "os/file.h"

#include "base/banned.h"

/* Storage's refusals in the terms of a job. */
static int explain_storage(struct err *e)
{
    if (e->code == ERR_NOT_FOUND)
        err_recode(e, ERR_DATA_NOT_FOUND);
    else if (e->code == ERR_DENIED)
        err_recode(e, ERR_DATA_ACCESS_DENIED);
    return -1;
}

/* The object does not authenticate: says which of the known accidents and attacks it is. */
static void explain_damage(const struct seal_context *c, const struct seal_item *item,
                           const struct stream_source *source, const char *uri, struct err *e)
{
    const struct gcs_object *o = &item->object;
    bool is_truncated = e->code == ERR_DATA_TRUNCATED || o->size < o->sealed_size;
    err_fini(e);
    if (o->key_id != 0 && keyset_find(c->keys, o->key_id) == NULL)
        err_set(e, ERR_KEY_MISMATCH, uri, "%s was encrypted with key %u, which is not in the keyset", uri,
                o->key_id);
    else if (o->sealed_name != NULL && !view_equal_text(source->associated_data, o->sealed_name))
        err_set(e, ERR_DATA_SWAPPED, uri, "%s was encrypted as \"%s\", not as \"%.*s\"", uri, o->sealed_name,
                VIEW_ARG(source->associated_data));
    else if (is_truncated)
        err_set(e, ERR_DATA_TRUNCATED, uri, "%s is truncated: it has %llu bytes", uri,
                (unsigned long long)o->size);
    else
        err_set(e, ERR_DATA_TAMPERED, uri,
                "%s was changed after it was encrypted, or was encrypted with another key or name", uri);
}

static int feed(void *context, const void *bytes, size_t length, struct err *e)
{
    return stream_reader_feed(context, bytes, length, e);
}

int seal_read(const struct seal_context *c, const struct seal_item *item, struct byte_sink sink,
              struct err *e)
{
    char *uri CLEANUP(cleanup_free) = gcs_uri(c->bucket.name, item->object.name);
    struct stream_source source = {.keys = c->keys,
                                   .key_id = item->key_id,
                                   .associated_data =
                                       view_from(item->associated_data != NULL ? item->associated_data : uri),
                                   .expected_header = item->header,
                                   .cipher_bytes = item->object.size};
    struct stream_reader *r = stream_reader_new(&source, sink);
    int result = gcs_read(&c->bucket, &item->object, (struct byte_sink){feed, r}, e);
    if (result < 0)
        (void)explain_storage(e);
    else
        result = stream_reader_finish(r, e);
    stream_reader_free(r);
    if (result < 0 && (e->code == ERR_DATA_TAMPERED || e->code == ERR_DATA_TRUNCATED))
        explain_damage(c, item, &source, uri, e);
    else if (result < 0)
        err_name_object(e, uri);
    return result;
}

struct file_sink {
    int fd;
    const char *path;
    uint64_t offset;
};

static int volume_full(const char *path, struct err *e)
{
    return FAIL_OBJECT(e, ERR_INPUT_VOLUME_FULL, path,
                       "no space left for %s in the memory volume of the inputs", path);
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
            return errno == ENOSPC ? volume_full(sink->path, e) : FAIL_ERRNO(e, "writing");
        at += n;
        length -= (size_t)n;
        sink->offset += (uint64_t)n;
    }
    return 0;
}

/* ENOTDIR, EISDIR: one object has the name of another one's folder. EEXIST: the object was listed twice. */
static int not_created(const char *path, struct err *e)
{
    if (errno == ENOSPC)
        return volume_full(path, e);
    if (errno == ENOTDIR || errno == EISDIR || errno == EEXIST)
        return FAIL_OBJECT(
            e, ERR_INVALID, path,
            "%s cannot be created: another object has its name, or the name of one of its folders", path);
    return FAIL_ERRNO(e, "creating %s", path);
}

/* Creates the parents of path below the directory, then the file. Returns its descriptor, or -1. */
static int open_below(int directory_fd, const char *path, struct err *e)
{
    char *copy CLEANUP(cleanup_free) = xstrdup(path);
    for (char *slash = strchr(copy, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdirat(directory_fd, copy, 0700) < 0 && errno != EEXIST)
            return not_created(path, e);
        *slash = '/';
    }
    int fd = openat(directory_fd, copy, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd < 0 ? not_created(path, e) : fd;
}

/* Memory is reserved before the first byte comes, so that a full volume is an error here and not an OOM kill
 * later. */
static int reserve(int fd, const struct seal_item *item, struct err *e)
{
    int problem = item->plain_bytes > 0 ? posix_fallocate(fd, 0, (off_t)item->plain_bytes) : 0;
    if (problem == 0 || problem == EOPNOTSUPP)
        return 0;
    if (problem == ENOSPC)
        return volume_full(item->path, e);
    errno = problem;
    return FAIL_ERRNO(e, "reserving memory for %s", item->path);
}

int seal_read_file(const struct seal_context *c, const struct seal_item *item, int directory_fd,
                   struct err *e)
{
    int fd CLEANUP(cleanup_fd) = open_below(directory_fd, item->path, e);
    struct file_sink sink = {.fd = fd, .path = item->path};
    if (fd < 0 || reserve(fd, item, e) < 0 ||
        seal_read(c, item, (struct byte_sink){write_plain, &sink}, e) < 0)
        return -1;
    /* plain_bytes believes the hint that names the key; another key's segments may give fewer bytes. */
    return ftruncate(fd, (off_t)sink.offset) < 0 ? FAIL_ERRNO(e, "truncating %s to its size", item->path) : 0;
}
