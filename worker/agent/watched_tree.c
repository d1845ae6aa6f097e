#include "agent/watched_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "os/file.h"
#include "volume/path_names.h"

#include "base/banned.h"

enum { DEPTH_MAX = 32 };

#define WATCHED                                                                                              \
    (IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DONT_FOLLOW |     \
     IN_ONLYDIR | IN_EXCL_UNLINK)

/* What is in a directory. */
struct found {
    char *path;
    int fd; /* -1: it cannot be opened, such as a link */
    struct stat st;
};

struct found_list {
    struct found *items;
    size_t count;
};

/* ---- looking into a directory ---- */
static int compare_times(const struct timespec *a, const struct timespec *b)
{
    if (a->tv_sec != b->tv_sec)
        return a->tv_sec < b->tv_sec ? -1 : 1;
    return a->tv_nsec == b->tv_nsec ? 0 : a->tv_nsec < b->tv_nsec ? -1 : 1;
}

static int compare_found(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    int order = compare_times(&x->st.st_mtim, &y->st.st_mtim);
    return order != 0 ? order : (int)path_is_marker(x->path) - (int)path_is_marker(y->path);
}

/* Closes fd. */
static struct found_list look_into(int fd, const char *path)
{
    struct found_list l = {.items = NULL};
    DIR *directory = fdopendir(fd);
    const struct dirent *entry;
    if (directory == NULL) {
        close(fd);
        return l;
    }
    while ((entry = readdir(directory)) != NULL) {
        struct found f = {.fd = -1};
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            fstatat(dirfd(directory), entry->d_name, &f.st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        f.path = *path == '\0' ? xstrdup(entry->d_name) : xasprintf("%s/%s", path, entry->d_name);
        if (S_ISREG(f.st.st_mode) || S_ISDIR(f.st.st_mode))
            f.fd = openat(dirfd(directory), entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        l.items = xreallocarray(l.items, l.count + 1, sizeof(*l.items));
        l.items[l.count++] = f;
    }
    closedir(directory);
    if (l.count > 0)
        qsort(l.items, l.count, sizeof(*l.items), compare_found);
    return l;
}

/* ---- watching ---- */
static void watch(struct watched_tree *t, int fd, const char *path, int depth);

static void tell_file(struct watched_tree *t, const struct found *f)
{
    change_queue_add(t->queue, CHANGE_WRITTEN, f->path, NULL, false);
    if (f->fd < 0 || !fd_is_held(f->fd))
        change_queue_add(t->queue, CHANGE_CLOSED, f->path, NULL, false);
}

/* Takes fd. is_new: what is in the directory has not been told yet; directories in it may be new in any case.
 */
static void tell_contents(struct watched_tree *t, int fd, const char *path, int depth, bool is_new)
{
    struct found_list l = look_into(fd, path);
    for (size_t i = 0; i < l.count; i++) {
        struct found *f = &l.items[i];
        if (f->fd >= 0 && S_ISDIR(f->st.st_mode)) {
            watch(t, f->fd, f->path, depth + 1);
            f->fd = -1;
        } else if (is_new) {
            tell_file(t, f);
        } else if (!S_ISREG(f->st.st_mode)) { /* nobody closes a link */
            change_queue_add(t->queue, CHANGE_CLOSED, f->path, NULL, false);
        }
        cleanup_fd(&f->fd);
        free(f->path);
    }
    free(l.items);
}

/* Takes fd. */
static void watch(struct watched_tree *t, int fd, const char *path, int depth)
{
    char self[64];
    struct err e = {0};
    if (depth > DEPTH_MAX) {
        close(fd);
        (void)FAIL_OBJECT(&e, ERR_OUTPUT_UNREADABLE, path, "%s is more than %d directories deep", path,
                          DEPTH_MAX);
        change_queue_fail(t->queue, &e);
        return;
    }
    /* By its descriptor: the name may be another directory's by now. */
    (void)snprintf(self, sizeof(self), "/proc/self/fd/%d/.", fd);
    int wd = inotify_add_watch(t->inotify_fd, self, WATCHED);
    if (wd < 0) {
        if (errno == ENOSPC)
            err_set(&e, ERR_WATCH_LIMIT, NULL,
                    "cannot watch %s: all inotify watches of the agent's user on this node are in use", path);
        else
            err_set_errno(&e, "watching %s", path);
        change_queue_fail(t->queue, &e);
    }
    bool is_new = wd < 0 || watch_list_add(&t->directories, wd, path);
    tell_contents(t, fd, path, depth, is_new);
}

static int depth_of(const char *path)
{
    int depth = *path != '\0';
    for (; *path != '\0'; path++)
        depth += *path == '/';
    return depth;
}

static int open_directory(const struct watched_tree *t, const char *path)
{
    return openat(t->root_fd, *path == '\0' ? "." : path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

void watched_tree_begin(struct watched_tree *t)
{
    watched_tree_appeared(t, "");
}

void watched_tree_begin_anew(struct watched_tree *t)
{
    for (size_t i = 0; i < t->directories.count; i++)
        (void)inotify_rm_watch(t->inotify_fd, t->directories.items[i].wd);
    watch_list_fini(&t->directories);
    change_queue_add(t->queue, CHANGE_DELETED, "", NULL, true);
    watched_tree_begin(t);
}

void watched_tree_appeared(struct watched_tree *t, const char *path)
{
    int fd = open_directory(t, path);
    if (fd >= 0)
        watch(t, fd, path, depth_of(path));
}

/*
 * When the watch at the old path is another directory's, which was made after the move, what it holds was
 * told too early: it is taken back, and told again when that directory's own event comes.
 */
static void take_back_another(struct watched_tree *t, int fd, const char *from)
{
    char self[64];
    int known = watch_list_find(&t->directories, from), moved = -1;
    (void)snprintf(self, sizeof(self), "/proc/self/fd/%d/.", fd);
    if (fd >= 0)
        moved = inotify_add_watch(t->inotify_fd, self, WATCHED);
    if (known < 0 || known == moved)
        return;
    change_queue_add(t->queue, CHANGE_DELETED, from, NULL, true);
    while ((known = watch_list_find_below(&t->directories, from)) >= 0) {
        (void)inotify_rm_watch(t->inotify_fd, known);
        watch_list_remove(&t->directories, known);
    }
}

void watched_tree_moved(struct watched_tree *t, const char *from, const char *to)
{
    int fd = open_directory(t, to);
    take_back_another(t, fd, from);
    if (fd >= 0)
        watch(t, fd, from, depth_of(from));
    watch_list_rename(&t->directories, from, to);
    change_queue_add(t->queue, CHANGE_MOVED, from, to, true);
}
