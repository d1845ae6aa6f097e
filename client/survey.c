#include "survey.h"

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

void survey_fini(struct survey *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->files[i].below);
        free(s->files[i].path);
    }
    free(s->files);
    *s = (struct survey){.files = NULL};
}

/* Object names are UTF-8 without line ends; the worker makes files of them. */
static int check_path(const char *argument, const char *path, struct err *e)
{
    json_t *text CLEANUP(js_free) = json_string(path);
    if (text == NULL)
        return FAIL(e, ERR_INVALID, "%s: a name is not UTF-8; rename it", argument);
    char *quoted CLEANUP(cleanup_free) = js_dump(text); /* an error is one line, whatever the name is */
    if (strpbrk(path, "\r\n") != NULL || !seal_path_is_safe(path))
        return FAIL(e, ERR_INVALID, "%s: %s cannot be the path of an input; rename it", argument, quoted);
    return 0;
}

static void add(struct survey *s, const char *argument, const char *below, const char *path)
{
    s->files = xreallocarray(s->files, s->count + 1, sizeof(*s->files));
    s->files[s->count++] = (struct survey_file){
        .argument = argument, .below = below == NULL ? NULL : xstrdup(below), .path = xstrdup(path)};
}

static int add_directory(struct survey *s, const char *argument, int fd, const char *path, int depth,
                         struct err *e);

static int add_entry(struct survey *s, const char *argument, int parent_fd, const char *name,
                     const char *path, int depth, struct err *e)
{
    struct stat st;
    if (check_path(argument, path, e) < 0)
        return -1;
    if (fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return FAIL_ERRNO(e, "%s/%s", argument, path);
    if (S_ISREG(st.st_mode)) {
        add(s, argument, path, path);
        return 0;
    }
    if (!S_ISDIR(st.st_mode))
        return FAIL_OBJECT(e, ERR_INVALID, path, "%s/%s is %s; leave it out or put a file in its place",
                           argument, path,
                           S_ISLNK(st.st_mode) ? "a symbolic link" : "neither a file nor a directory");
    int fd CLEANUP(cleanup_fd) = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? FAIL_ERRNO(e, "%s/%s", argument, path)
                  : add_directory(s, argument, fd, path, depth + 1, e);
}

static int add_directory(struct survey *s, const char *argument, int fd, const char *path, int depth,
                         struct err *e)
{
    struct dirent **entries = NULL;
    if (depth > DEPTH_MAX)
        return FAIL_OBJECT(e, ERR_INVALID, argument, "%s is nested too deeply", argument);
    int result = 0, n = scandirat(fd, ".", &entries, NULL, NULL);
    if (n < 0)
        return FAIL_ERRNO(e, "%s/%s", argument, path);
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        char *child CLEANUP(cleanup_free) = *path == '\0' ? xstrdup(name) : xasprintf("%s/%s", path, name);
        if (result == 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            result = add_entry(s, argument, fd, name, child, depth, e);
        free(entries[i]);
    }
    free(entries);
    return result;
}

static int add_argument(struct survey *s, const char *argument, struct err *e)
{
    struct stat st;
    const char *slash = strrchr(argument, '/'), *name = slash == NULL ? argument : slash + 1;
    if (stat(argument, &st) < 0)
        return FAIL_ERRNO(e, "%s", argument);
    if (S_ISREG(st.st_mode)) {
        if (check_path(argument, name, e) < 0)
            return -1;
        add(s, argument, NULL, name);
        return 0;
    }
    if (!S_ISDIR(st.st_mode))
        return FAIL_OBJECT(e, ERR_INVALID, argument, "%s is neither a file nor a directory", argument);
    int fd CLEANUP(cleanup_fd) = open(argument, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? FAIL_ERRNO(e, "%s", argument) : add_directory(s, argument, fd, "", 0, e);
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct survey_file *)a)->path, ((const struct survey_file *)b)->path);
}

static int check_whole(const struct survey *s, struct err *e)
{
    if (s->count == 0)
        return FAIL(e, ERR_INVALID, "there is no file to encrypt");
    for (size_t i = 1; i < s->count; i++)
        if (compare(&s->files[i - 1], &s->files[i]) == 0)
            return FAIL(e, ERR_INVALID, "%s and %s both have a file %s; encrypt them to different folders",
                        s->files[i - 1].argument, s->files[i].argument, s->files[i].path);
    return 0;
}

int survey_make(char *const *arguments, size_t count, struct survey *ret, struct err *e)
{
    struct survey s = {.files = NULL};
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = add_argument(&s, arguments[i], e);
    if (s.count > 0)
        qsort(s.files, s.count, sizeof(*s.files), compare);
    if (result == 0)
        result = check_whole(&s, e);
    if (result < 0)
        survey_fini(&s);
    else
        *ret = s;
    return result;
}

/* Below a directory even a parent that became a link meanwhile is not followed. */
static int open_below(const char *directory, const char *path)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    int fd CLEANUP(cleanup_fd) = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -1 : (int)syscall(SYS_openat2, fd, path, &how, sizeof(how));
}

int survey_open(const struct survey_file *f, uint64_t *ret_size, struct err *e)
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
        return FAIL_OBJECT(e, ERR_OUTPUT_UNREADABLE, f->path, "%s is no file any more", f->path);
    }
    *ret_size = (uint64_t)st.st_size;
    return fd;
}
