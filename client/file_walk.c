#include "file_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "data/js.h"
#include "os/file.h"
#include "seal/object.h"

#include "base/banned.h"

enum { DEPTH_MAX = 64 };

void file_walk_fini(struct file_walk *w)
{
    for (size_t i = 0; i < w->count; i++) {
        free(w->files[i].below);
        free(w->files[i].path);
    }
    free(w->files);
    *w = (struct file_walk){.files = NULL};
}

/* Object names are UTF-8 without line breaks, and the worker creates files with the same paths. */
static int check_path(const char *argument, const char *path, struct err *e)
{
    json_t *text CLEANUP(js_free) = json_string(path);
    if (text == NULL)
        return FAIL(e, ERR_INVALID, "%s: a file name in it is not UTF-8; rename it", argument);
    char *quoted CLEANUP(cleanup_free) = js_dump(text); /* an error is one line, even if the name is not */
    if (strpbrk(path, "\r\n") != NULL || !seal_path_is_safe(path))
        return FAIL(e, ERR_INVALID, "%s: %s cannot be the path of an input; rename it", argument, quoted);
    return 0;
}

static void add(struct file_walk *w, const char *argument, const char *below, const char *path)
{
    w->files = xreallocarray(w->files, w->count + 1, sizeof(*w->files));
    w->files[w->count++] = (struct walked_file){
        .argument = argument, .below = below == NULL ? NULL : xstrdup(below), .path = xstrdup(path)};
}

/* A directory that is being walked. */
struct directory {
    const char *argument; /* the one that it is in, or is */
    const char *path;     /* below the argument; "" for the argument itself */
    int fd, depth;
};

static int add_directory(struct file_walk *w, const struct directory *d, struct err *e);

static int add_entry(struct file_walk *w, const struct directory *parent, const char *name, struct err *e)
{
    const char *argument = parent->argument;
    char *path CLEANUP(cleanup_free) =
        *parent->path == '\0' ? xstrdup(name) : xasprintf("%s/%s", parent->path, name);
    struct stat st;
    if (check_path(argument, path, e) < 0)
        return -1;
    if (fstatat(parent->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return FAIL_ERRNO(e, "%s/%s", argument, path);
    if (S_ISREG(st.st_mode)) {
        add(w, argument, path, path);
        return 0;
    }
    if (!S_ISDIR(st.st_mode))
        return FAIL_OBJECT(e, ERR_INVALID, path, "%s/%s is %s; exclude it or replace it with a file",
                           argument, path,
                           S_ISLNK(st.st_mode) ? "a symbolic link" : "neither a file nor a directory");
    int fd CLEANUP(cleanup_fd) = openat(parent->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const struct directory child = {.argument = argument, .path = path, .fd = fd, .depth = parent->depth + 1};
    return fd < 0 ? FAIL_ERRNO(e, "%s/%s", argument, path) : add_directory(w, &child, e);
}

static int add_directory(struct file_walk *w, const struct directory *d, struct err *e)
{
    struct dirent **entries = NULL;
    if (d->depth > DEPTH_MAX)
        return FAIL_OBJECT(e, ERR_INVALID, d->argument, "%s is nested more than %d directories deep",
                           d->argument, DEPTH_MAX);
    int result = 0, n = scandirat(d->fd, ".", &entries, NULL, NULL);
    if (n < 0)
        return FAIL_ERRNO(e, "%s/%s", d->argument, d->path);
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        if (result == 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            result = add_entry(w, d, name, e);
        free(entries[i]);
    }
    free(entries);
    return result;
}

static int add_argument(struct file_walk *w, const char *argument, struct err *e)
{
    struct stat st;
    const char *slash = strrchr(argument, '/'), *name = slash == NULL ? argument : slash + 1;
    if (stat(argument, &st) < 0)
        return FAIL_ERRNO(e, "%s", argument);
    if (S_ISREG(st.st_mode)) {
        if (check_path(argument, name, e) < 0)
            return -1;
        add(w, argument, NULL, name);
        return 0;
    }
    if (!S_ISDIR(st.st_mode))
        return FAIL_OBJECT(e, ERR_INVALID, argument, "%s is neither a file nor a directory", argument);
    int fd CLEANUP(cleanup_fd) = open(argument, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const struct directory d = {.argument = argument, .path = "", .fd = fd, .depth = 0};
    return fd < 0 ? FAIL_ERRNO(e, "%s", argument) : add_directory(w, &d, e);
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct walked_file *)a)->path, ((const struct walked_file *)b)->path);
}

static int check_files(const struct file_walk *w, struct err *e)
{
    if (w->count == 0)
        return FAIL(e, ERR_INVALID, "no files to encrypt");
    for (size_t i = 1; i < w->count; i++)
        if (compare(&w->files[i - 1], &w->files[i]) == 0)
            return FAIL(e, ERR_INVALID, "%s and %s both have a file %s; encrypt them to different folders",
                        w->files[i - 1].argument, w->files[i].argument, w->files[i].path);
    return 0;
}

int file_walk_make(char *const *arguments, size_t count, struct file_walk *ret, struct err *e)
{
    struct file_walk w = {.files = NULL};
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = add_argument(&w, arguments[i], e);
    if (w.count > 0)
        qsort(w.files, w.count, sizeof(*w.files), compare);
    if (result == 0)
        result = check_files(&w, e);
    if (result < 0)
        file_walk_fini(&w);
    else
        *ret = w;
    return result;
}

/* Below a directory no link is followed, not even a parent directory that became one since the walk. */
static int open_below(const char *directory, const char *path)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    int fd CLEANUP(cleanup_fd) = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -1 : (int)syscall(SYS_openat2, fd, path, &how, sizeof(how));
}

int file_walk_open(const struct walked_file *f, uint64_t *ret_size, struct err *e)
{
    struct stat st;
    int fd = f->below == NULL ? open(f->argument, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
                              : open_below(f->argument, f->below);
    if (fd < 0 || fstat(fd, &st) < 0) {
        int result = FAIL_ERRNO(e, "opening %s", f->path);
        cleanup_fd(&fd);
        return result;
    }
    if (!S_ISREG(st.st_mode)) {
        close(fd);
        return FAIL_OBJECT(e, ERR_OUTPUT_UNREADABLE, f->path, "%s is no longer a regular file", f->path);
    }
    *ret_size = (uint64_t)st.st_size;
    return fd;
}
