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

/* Where something was before it was moved, when nobody saw it there: a temporary name. */
#define UNSEEN ".unseen"

#define WATCHED                                                                                              \
    (IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DONT_FOLLOW |     \
     IN_ONLYDIR | IN_EXCL_UNLINK)

/* What is in a directory, but for directories. */
struct found {
    char *path;
    struct timespec modified;
    bool is_new; /* it has not been told yet */
    bool is_held;
};

struct found_list {
    struct found *items;
    size_t count, room;
};

/* ---- telling ---- */
static int compare_times(const struct timespec *a, const struct timespec *b)
{
    if (a->tv_sec != b->tv_sec)
        return a->tv_sec < b->tv_sec ? -1 : 1;
    return a->tv_nsec == b->tv_nsec ? 0 : a->tv_nsec < b->tv_nsec ? -1 : 1;
}

static int compare_found(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    int order = compare_times(&x->modified, &y->modified);
    return order != 0 ? order : (int)path_is_marker(x->path) - (int)path_is_marker(y->path);
}

/* Everything is told as written before anything is told as closed: a marker that is older than a file of its
 * directory does not complete what is there now. */
static void tell(struct watched_tree *t, struct found_list *l)
{
    if (l->count > 0)
        qsort(l->items, l->count, sizeof(*l->items), compare_found);
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i].is_new)
            change_queue_add(t->queue, CHANGE_WRITTEN, l->items[i].path, NULL, false);
    for (size_t i = 0; i < l->count; i++) {
        if (!l->items[i].is_held)
            change_queue_add(t->queue, CHANGE_CLOSED, l->items[i].path, NULL, false);
        free(l->items[i].path);
    }
    free(l->items);
}

/* ---- looking into directories and watching them ---- */
static void watch(struct watched_tree *t, int fd, const char *path, int depth, struct found_list *l);

static bool is_held(int directory_fd, const char *name)
{
    int fd CLEANUP(cleanup_fd) = openat(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    return fd >= 0 && fd_is_held(fd);
}

/* The same without waiting for a close of which the kernel has told: one is told of later. */
static bool is_held_now(int directory_fd, const char *name)
{
    int fd CLEANUP(cleanup_fd) = openat(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    return fd >= 0 && fd_is_held_now(fd);
}

static void note(struct found_list *l, const struct found *f)
{
    if (l->count == l->room) {
        l->room = 2 * l->room + 16;
        l->items = xreallocarray(l->items, l->room, sizeof(*l->items));
    }
    l->items[l->count++] = *f;
    l->items[l->count - 1].path = xstrdup(f->path);
}

/* is_new: what is in the directory has not been told yet; directories in it may be new in any case. */
static void look_at(struct watched_tree *t, int directory_fd, const char *name, const struct found *f,
                    int depth, struct found_list *l)
{
    struct stat st;
    struct found found = *f;
    if (fstatat(directory_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    if (S_ISDIR(st.st_mode)) {
        int fd = openat(directory_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0)
            watch(t, fd, f->path, depth + 1, l);
        return;
    }
    found.modified = st.st_mtim;
    found.is_held = S_ISREG(st.st_mode) && is_held(directory_fd, name);
    if (f->is_new || !S_ISREG(st.st_mode)) /* nobody closes a link */
        note(l, &found);
}

/* Takes fd. No more than one descriptor is open for each level, however many files there are. */
static void look_into(struct watched_tree *t, int fd, const char *path, int depth, bool is_new,
                      struct found_list *l)
{
    DIR *directory = fdopendir(fd);
    const struct dirent *entry;
    if (directory == NULL) {
        close(fd);
        return;
    }
    while ((entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char *below CLEANUP(cleanup_free) =
            *path == '\0' ? xstrdup(entry->d_name) : xasprintf("%s/%s", path, entry->d_name);
        look_at(t, dirfd(directory), entry->d_name, &(struct found){.path = below, .is_new = is_new}, depth,
                l);
    }
    closedir(directory);
}

static void fail_to_watch(struct watched_tree *t, const char *path)
{
    struct err e = {0};
    if (errno == ENOSPC)
        err_set(&e, ERR_WATCH_LIMIT, NULL,
                "cannot watch %s: all inotify watches of the agent's user on this node are in use", path);
    else
        err_set_errno(&e, "watching %s", path);
    change_queue_fail(t->queue, &e);
}

/* Takes fd. */
static void watch(struct watched_tree *t, int fd, const char *path, int depth, struct found_list *l)
{
    char self[64];
    if (depth > DEPTH_MAX) {
        struct err e = {0};
        close(fd);
        (void)FAIL_OBJECT(&e, ERR_OUTPUT_UNREADABLE, path, "%s is more than %d directories deep", path,
                          DEPTH_MAX);
        change_queue_fail(t->queue, &e);
        return;
    }
    /* By its descriptor: the name may be another directory's by now. */
    (void)snprintf(self, sizeof(self), "/proc/self/fd/%d/.", fd);
    int wd = inotify_add_watch(t->inotify_fd, self, WATCHED);
    if (wd < 0)
        fail_to_watch(t, path);
    bool is_new = wd < 0 || watch_list_add(&t->directories, wd, path);
    look_into(t, fd, path, depth, is_new, l);
}

static int depth_of(const char *path)
{
    int depth = *path != '\0';
    for (; *path != '\0'; path++)
        depth += *path == '/';
    return depth;
}

/* Takes fd. */
static void watch_all(struct watched_tree *t, int fd, const char *path)
{
    struct found_list l = {.items = NULL};
    watch(t, fd, path, depth_of(path), &l);
    tell(t, &l);
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
        watch_all(t, fd, path);
}

/* What is watched at or below the path is forgotten, and told as removed. */
static void forget(struct watched_tree *t, const char *path)
{
    int known;
    change_queue_add(t->queue, CHANGE_DELETED, path, NULL, true);
    while ((known = watch_list_find_below(&t->directories, path)) >= 0) {
        (void)inotify_rm_watch(t->inotify_fd, known);
        watch_list_remove(&t->directories, known);
    }
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
    if (known >= 0 && known != moved)
        forget(t, from);
}

void watched_tree_moved(struct watched_tree *t, const char *from, const char *to)
{
    int fd = open_directory(t, to);
    take_back_another(t, fd, from);
    if (fd >= 0)
        watch_all(t, fd, from);
    watch_list_rename(&t->directories, from, to);
    change_queue_add(t->queue, CHANGE_MOVED, from, to, true);
}

void watched_tree_moved_in(struct watched_tree *t, const char *path)
{
    struct stat st;
    if (fstatat(t->root_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    if (S_ISDIR(st.st_mode)) {
        watched_tree_moved(t, UNSEEN, path);
        return;
    }
    change_queue_add(t->queue, CHANGE_WRITTEN, UNSEEN, NULL, false);
    if (!S_ISREG(st.st_mode) || !is_held(t->root_fd, path))
        change_queue_add(t->queue, CHANGE_CLOSED, UNSEEN, NULL, false);
    change_queue_add(t->queue, CHANGE_MOVED, UNSEEN, path, false);
}

void watched_tree_exchanged(struct watched_tree *t, const char *a, const char *b)
{
    forget(t, a);
    forget(t, b);
    watched_tree_moved_in(t, a);
    watched_tree_moved_in(t, b);
}

void watched_tree_created(struct watched_tree *t, const char *path)
{
    change_queue_add(t->queue, CHANGE_WRITTEN, path, NULL, false);
    if (!is_held_now(t->root_fd, path))
        change_queue_add(t->queue, CHANGE_CLOSED, path, NULL, false);
}
