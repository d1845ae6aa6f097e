#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/strbuf.h"

#include "base/banned.h"

void cleanup_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int open_for_reading(const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return FAIL_OBJECT(e, ERR_NOT_FOUND, path, "%s does not exist", path);
    if (fd < 0)
        return FAIL_ERRNO(e, "opening %s", path);
    return fd;
}

int fd_read_at(int fd, void *bytes, size_t length, uint64_t offset, size_t *ret_length, struct err *e)
{
    size_t done = 0;
    while (done < length) {
        ssize_t n = pread(fd, (char *)bytes + done, length - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FAIL_ERRNO(e, "reading");
        if (n == 0)
            break;
        done += (size_t)n;
    }
    *ret_length = done;
    return 0;
}

char *file_read(const char *path, size_t max_bytes, size_t *ret_length, struct err *e)
{
    int fd CLEANUP(cleanup_fd) = open_for_reading(path, e);
    struct strbuf text = STRBUF(max_bytes);
    char chunk[4096];
    ssize_t n = 0;
    if (fd < 0)
        return NULL;
    while ((n = read(fd, chunk, sizeof(chunk))) > 0)
        strbuf_add(&text, chunk, (size_t)n);
    if (n < 0)
        err_set_errno(e, "reading %s", path);
    else if (strbuf_overflowed(&text))
        err_set(e, ERR_TOO_LARGE, path, "%s is larger than %zu bytes", path, max_bytes);
    if (n < 0 || strbuf_overflowed(&text)) {
        strbuf_fini(&text);
        return NULL;
    }
    if (ret_length != NULL)
        *ret_length = text.len;
    return strbuf_take(&text);
}

int file_read_secret(const char *path, size_t max_bytes, struct secret *ret, struct err *e)
{
    int fd CLEANUP(cleanup_fd) = open_for_reading(path, e);
    struct secret all CLEANUP(secret_free) = {.bytes = NULL};
    size_t length;
    if (fd < 0)
        return -1;
    secret_alloc(&all, max_bytes + 1);
    if (fd_read_at(fd, all.bytes, all.len, 0, &length, e) < 0)
        return err_wrap(e, "%s", path);
    if (length > max_bytes)
        return FAIL_OBJECT(e, ERR_TOO_LARGE, path, "%s is larger than %zu bytes", path, max_bytes);
    secret_copy(ret, all.bytes, length);
    return 0;
}

static int write_all(int fd, const void *bytes, size_t length, struct err *e)
{
    const char *at = bytes;
    while (length > 0) {
        ssize_t n = write(fd, at, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FAIL_ERRNO(e, "writing");
        at += n;
        length -= (size_t)n;
    }
    return 0;
}

int file_replace(const char *path, struct view content, unsigned mode, struct err *e)
{
    char *temporary CLEANUP(cleanup_free) = xasprintf("%s.%d.tmp", path, (int)getpid());
    int fd CLEANUP(cleanup_fd) = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return FAIL_ERRNO(e, "creating %s", temporary);
    if (write_all(fd, content.ptr, content.len, e) < 0) {
        unlink(temporary);
        return err_wrap(e, "%s", temporary);
    }
    if (rename(temporary, path) < 0) {
        err_set_errno(e, "renaming %s to %s", temporary, path);
        unlink(temporary);
        return -1;
    }
    return 0;
}

int file_overwrite(const char *path, struct view content, struct err *e)
{
    int fd CLEANUP(cleanup_fd) = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return FAIL_ERRNO(e, "opening %s", path);
    return write_all(fd, content.ptr, content.len, e) < 0 ? err_wrap(e, "%s", path) : 0;
}

int file_make_directories(const char *path, unsigned mode, struct err *e)
{
    char *copy CLEANUP(cleanup_free) = xstrdup(path);
    for (char *at = copy + 1;; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char kept = *at;
        *at = '\0';
        if (mkdir(copy, mode) < 0 && errno != EEXIST)
            return FAIL_ERRNO(e, "creating directory %s", copy);
        *at = kept;
        if (kept == '\0')
            return 0;
    }
}

int64_t stat_modified_ns(const struct stat *st)
{
    return st->st_mtim.tv_sec * INT64_C(1000000000) + st->st_mtim.tv_nsec;
}

bool fd_is_held_now(int fd)
{
    bool is_free = fcntl(fd, F_SETLEASE, F_RDLCK) == 0 || errno != EAGAIN;
    (void)fcntl(fd, F_SETLEASE, F_UNLCK);
    return !is_free;
}

bool fd_is_held(int fd)
{
    const struct timespec moment = {.tv_nsec = 20 * 1000 * 1000};
    if (!fd_is_held_now(fd))
        return false;
    /* The kernel tells of a close a moment before it counts one writer less. */
    (void)nanosleep(&moment, NULL);
    return fd_is_held_now(fd);
}
