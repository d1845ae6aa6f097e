#include "agent/watcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/watched_tree.h"
#include "base/alloc.h"
#include "os/file.h"

#include "base/banned.h"

enum { MOVE_MS = 20, EVENTS_BYTES = 64 * 1024 };

struct watcher {
    int stop_fd;
    int wake_fd; /* there are changes */
    int ask_fd;  /* the thread is asked to take in all that the kernel knows */
    pthread_t thread;
    bool is_running;
    /* the thread's alone, but for the queue */
    struct watched_tree tree;
    char *moved_from; /* the first half of a move; NULL: none is pending */
    uint32_t cookie;
    bool is_moved_directory;
    char *last_from, *last_to; /* the last change, when it was a move; else NULL */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t has_answered;
    uint64_t asked, answered;
    char **named; /* by the program; not in the queue yet */
    size_t named_count;
};

static void signal_fd(int fd)
{
    uint64_t one = 1;
    if (write(fd, &one, sizeof(one)) < 0)
        return; /* it is readable already */
}

static void clear_fd(int fd)
{
    uint64_t ignored;
    if (read(fd, &ignored, sizeof(ignored)) < 0)
        return; /* it was not readable */
}

static char *join(const char *directory, const char *name)
{
    return *directory == '\0' ? xstrdup(name) : xasprintf("%s/%s", directory, name);
}

/* ---- events ---- */
/* The other half did not come: it was moved out of what is watched. */
static void finish_move(struct watcher *w)
{
    if (w->moved_from == NULL)
        return;
    change_queue_add(w->tree.queue, CHANGE_DELETED, w->moved_from, NULL, w->is_moved_directory);
    free(w->moved_from);
    w->moved_from = NULL;
}

static void remember_move(struct watcher *w, const char *from, const char *to)
{
    free(w->last_from);
    free(w->last_to);
    w->last_from = from == NULL ? NULL : xstrdup(from);
    w->last_to = to == NULL ? NULL : xstrdup(to);
}

/* The kernel tells of an exchange (renameat2) as of two moves, one back from where the other led to. */
static bool is_exchange(const struct watcher *w, const char *from, const char *to)
{
    return w->last_from != NULL && strcmp(w->last_from, to) == 0 && strcmp(w->last_to, from) == 0 &&
           faccessat(w->tree.root_fd, from, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_no_file(const struct watcher *w, const char *path)
{
    struct stat st;
    return fstatat(w->tree.root_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode);
}

static void on_moved_to(struct watcher *w, const struct inotify_event *event, const char *path)
{
    bool is_directory = (event->mask & IN_ISDIR) != 0;
    if (w->moved_from == NULL || w->cookie != event->cookie) {
        watched_tree_moved_in(&w->tree, path);
        return;
    }
    char *from CLEANUP(cleanup_free) = TAKE_PTR(w->moved_from);
    if (is_exchange(w, from, path)) {
        watched_tree_exchanged(&w->tree, from, path);
        remember_move(w, NULL, NULL);
        return;
    }
    if (!is_directory && is_no_file(w, path)) /* nobody closes a link */
        change_queue_add(w->tree.queue, CHANGE_CLOSED, from, NULL, false);
    if (is_directory)
        watched_tree_moved(&w->tree, from, path);
    else
        change_queue_add(w->tree.queue, CHANGE_MOVED, from, path, false);
    remember_move(w, from, path);
}

static void on_created(struct watcher *w, const struct inotify_event *event, const char *path)
{
    if ((event->mask & IN_ISDIR) != 0)
        watched_tree_appeared(&w->tree, path);
    else
        watched_tree_created(&w->tree, path);
}

static void on_event(struct watcher *w, const struct inotify_event *event)
{
    if ((event->mask & IN_Q_OVERFLOW) != 0)
        watched_tree_begin_anew(&w->tree);
    if ((event->mask & IN_IGNORED) != 0)
        watch_list_remove(&w->tree.directories, event->wd);
    const char *directory = watch_list_path(&w->tree.directories, event->wd);
    if (directory == NULL || event->len == 0)
        return;
    char *path CLEANUP(cleanup_free) = join(directory, event->name);
    if ((event->mask & IN_MOVED_FROM) != 0) {
        finish_move(w);
        w->moved_from = TAKE_PTR(path);
        w->cookie = event->cookie;
        w->is_moved_directory = (event->mask & IN_ISDIR) != 0;
        return;
    }
    if ((event->mask & IN_MOVED_TO) != 0) {
        on_moved_to(w, event, path);
        return;
    }
    remember_move(w, NULL, NULL);
    if ((event->mask & IN_CREATE) != 0) {
        on_created(w, event, path);
    } else if ((event->mask & IN_MODIFY) != 0) {
        change_queue_add(w->tree.queue, CHANGE_WRITTEN, path, NULL, false);
    } else if ((event->mask & IN_CLOSE_WRITE) != 0) {
        change_queue_add(w->tree.queue, CHANGE_CLOSED, path, NULL, false);
    } else if ((event->mask & IN_DELETE) != 0) {
        change_queue_add(w->tree.queue, CHANGE_DELETED, path, NULL, (event->mask & IN_ISDIR) != 0);
    }
}

static void read_events(struct watcher *w)
{
    char *buffer CLEANUP(cleanup_free) = xmalloc(EVENTS_BYTES);
    ssize_t n;
    while ((n = read(w->tree.inotify_fd, buffer, EVENTS_BYTES)) > 0) {
        for (char *at = buffer; at < buffer + n;) {
            const struct inotify_event *event = (const void *)at;
            on_event(w, event);
            at += sizeof(*event) + event->len;
        }
    }
}

static bool is_readable(int fd, int timeout_ms)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};
    return poll(&one, 1, timeout_ms) > 0;
}

/* What was changed before it was asked is in the queue when this returns. */
static void answer(struct watcher *w)
{
    clear_fd(w->ask_fd);
    pthread_mutex_lock(&w->lock);
    uint64_t asked = w->asked;
    char **named CLEANUP(cleanup_free) = w->named;
    size_t count = w->named_count;
    w->named = NULL;
    w->named_count = 0;
    pthread_mutex_unlock(&w->lock);
    read_events(w);
    if (w->moved_from != NULL && is_readable(w->tree.inotify_fd, MOVE_MS))
        read_events(w);
    finish_move(w);
    for (size_t i = 0; i < count; i++) {
        change_queue_add(w->tree.queue, CHANGE_NAMED, named[i], NULL, false);
        free(named[i]);
    }
    pthread_mutex_lock(&w->lock);
    w->answered = asked;
    pthread_cond_broadcast(&w->has_answered);
    pthread_mutex_unlock(&w->lock);
}

static void *watch(void *context)
{
    struct watcher *w = context;
    struct pollfd fds[3] = {{.fd = w->tree.inotify_fd, .events = POLLIN},
                            {.fd = w->stop_fd, .events = POLLIN},
                            {.fd = w->ask_fd, .events = POLLIN}};
    while ((fds[1].revents & POLLIN) == 0) {
        if (poll(fds, 3, w->moved_from != NULL ? MOVE_MS : -1) == 0) {
            finish_move(w);
            signal_fd(w->wake_fd);
        }
        if ((fds[0].revents & POLLIN) != 0) {
            read_events(w);
            signal_fd(w->wake_fd);
        }
        if ((fds[2].revents & POLLIN) != 0)
            answer(w);
    }
    return NULL;
}

static int start(struct watcher *w, const char *directory, struct err *e)
{
    if (file_make_directories(directory, 0700, e) < 0)
        return -1;
    w->tree.root_fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    w->tree.inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (w->tree.inotify_fd < 0 && errno == EMFILE)
        return FAIL(e, ERR_WATCH_LIMIT,
                    "cannot watch %s: all inotify instances of the agent's user on this node are in use",
                    directory);
    w->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    w->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    w->ask_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (w->tree.root_fd < 0 || w->tree.inotify_fd < 0 || w->wake_fd < 0 || w->stop_fd < 0 || w->ask_fd < 0)
        return FAIL_ERRNO(e, "watching %s", directory);
    watched_tree_begin(&w->tree);
    if (pthread_create(&w->thread, NULL, watch, w) != 0)
        return FAIL_ERRNO(e, "starting the thread that watches %s", directory);
    w->is_running = true;
    return 0;
}

struct watcher *watcher_new(const char *directory, struct err *e)
{
    struct watcher *w = xcalloc(1, sizeof(*w));
    w->tree.root_fd = w->tree.inotify_fd = w->wake_fd = w->stop_fd = w->ask_fd = -1;
    w->tree.queue = change_queue_new();
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->has_answered, NULL);
    if (start(w, directory, e) == 0)
        return w;
    watcher_free(w);
    return NULL;
}

void watcher_free(struct watcher *w)
{
    if (w == NULL)
        return;
    if (w->is_running) {
        signal_fd(w->stop_fd);
        pthread_join(w->thread, NULL);
    }
    watch_list_fini(&w->tree.directories);
    free(w->moved_from);
    remember_move(w, NULL, NULL);
    for (size_t i = 0; i < w->named_count; i++)
        free(w->named[i]);
    free(w->named);
    change_queue_free(w->tree.queue);
    pthread_cond_destroy(&w->has_answered);
    pthread_mutex_destroy(&w->lock);
    cleanup_fd(&w->tree.root_fd);
    cleanup_fd(&w->tree.inotify_fd);
    cleanup_fd(&w->wake_fd);
    cleanup_fd(&w->stop_fd);
    cleanup_fd(&w->ask_fd);
    free(w);
}

int watcher_directory(const struct watcher *w)
{
    return w->tree.root_fd;
}

int watcher_fd(const struct watcher *w)
{
    return w->wake_fd;
}

void watcher_name(struct watcher *w, const char *path)
{
    pthread_mutex_lock(&w->lock);
    w->named = xreallocarray(w->named, w->named_count + 1, sizeof(char *));
    w->named[w->named_count++] = xstrdup(path);
    pthread_mutex_unlock(&w->lock);
    signal_fd(w->ask_fd);
    signal_fd(w->wake_fd);
}

int watcher_drain(struct watcher *w, void (*fn)(void *context, const struct change *c), void *context,
                  struct err *e)
{
    clear_fd(w->wake_fd);
    pthread_mutex_lock(&w->lock);
    uint64_t asked = ++w->asked;
    signal_fd(w->ask_fd);
    while (w->answered < asked)
        pthread_cond_wait(&w->has_answered, &w->lock);
    pthread_mutex_unlock(&w->lock);
    return change_queue_drain(w->tree.queue, fn, context, e);
}
