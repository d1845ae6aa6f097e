#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"
#include "agent/watcher.h"
#include "base/alloc.h"
#include "history.h"
#include "volume/path_names.h"

#include "base/banned.h"

enum { QUEUE_MAX = 400, BLOCK = 4096 };

static char root[64];
static int64_t writes; /* no two have one time */

/* ---- directories ---- */
bool disk_begin(void)
{
    (void)snprintf(root, sizeof(root), "%s/checkpoint_sim.XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    return mkdtemp(root) != NULL;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void disk_end(void)
{
    (void)nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void real_path(const struct pod *pod, const char *path, char ret[256])
{
    (void)snprintf(ret, 256, "%s/%d/%s", root, pod->number, path);
}

void disk_make(struct pod *pod)
{
    char path[256];
    real_path(pod, "", path);
    if (mkdir(path, 0700) < 0)
        abort();
}

void disk_remove(struct pod *pod)
{
    char path[256];
    real_path(pod, "", path);
    for (int i = 0; i < pod->count; i++)
        if (pod->files[i].fd >= 0)
            close(pod->files[i].fd);
    pod->count = 0;
    (void)nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- what is known ---- */
static bool is_within(const char *path, const char *at)
{
    size_t length = strlen(at);
    return strncmp(path, at, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

static struct disk_file *find(struct pod *pod, const char *path)
{
    for (int i = 0; i < pod->count; i++)
        if (strcmp(pod->files[i].path, path) == 0)
            return &pod->files[i];
    return NULL;
}

int disk_content(const struct pod *pod, const char *path)
{
    const struct disk_file *f = find((struct pod *)(uintptr_t)pod, path);
    return f == NULL || f->fd >= 0 ? -1 : f->content;
}

static void forget(struct pod *pod, const char *path)
{
    for (int i = pod->count; i-- > 0;)
        if (is_within(pod->files[i].path, path)) {
            history_content_is_gone(pod->files[i].content);
            pod->files[i] = pod->files[--pod->count];
        }
}

/* ---- watching ---- */
struct queued {
    enum change_kind kind;
    char path[PATH_SIZE], to[PATH_SIZE];
    bool is_directory;
    int64_t at_ms;
};

struct watcher {
    int agent, directory_fd;
    struct queued queue[QUEUE_MAX];
    int count;
    struct watcher *next;
};
static struct watcher *watchers;

static void queue(struct watcher *w, enum change_kind kind, const char *path, const char *to,
                  bool is_directory)
{
    if (w->count == QUEUE_MAX)
        abort();
    struct queued *q = &w->queue[w->count++];
    *q = (struct queued){.kind = kind, .is_directory = is_directory, .at_ms = world.now_ms};
    (void)snprintf(q->path, sizeof(q->path), "%s", path);
    (void)snprintf(q->to, sizeof(q->to), "%s", to);
}

static void tell(const struct pod *pod, enum change_kind kind, const char *path, const char *to,
                 bool is_directory)
{
    for (struct watcher *w = watchers; w != NULL; w = w->next) {
        struct agent *a = world.agents[w->agent];
        if (&world.pods[a->pod] != pod || a->is_dead)
            continue;
        queue(w, kind, path, to, is_directory);
        if (a->phase == AGENT_WAITS)
            a->wake_ms = world.now_ms;
    }
}

/* First what was written first, and a marker after what is as old. */
static int compare_age(const void *a, const void *b)
{
    const struct disk_file *x = a, *y = b;
    int64_t x_ms = x->fd >= 0 ? INT64_MAX : world.contents[x->content].closed_ms;
    int64_t y_ms = y->fd >= 0 ? INT64_MAX : world.contents[y->content].closed_ms;
    return x_ms != y_ms ? (x_ms < y_ms ? -1 : 1)
                        : (int)path_is_marker(x->path) - (int)path_is_marker(y->path);
}

/* Nothing is closed until all is known, so that a marker completes nothing that is newer. */
static void tell_all(struct watcher *w, struct pod *pod)
{
    if (pod->count > 0)
        qsort(pod->files, (size_t)pod->count, sizeof(pod->files[0]), compare_age);
    for (int i = 0; i < pod->count; i++)
        queue(w, CHANGE_WRITTEN, pod->files[i].path, "", false);
    for (int i = 0; i < pod->count; i++)
        if (pod->files[i].fd < 0)
            queue(w, CHANGE_CLOSED, pod->files[i].path, "", false);
}

struct watcher *watcher_new(const char *directory, struct err *e)
{
    char path[256];
    struct watcher *w = xcalloc(1, sizeof(*w));
    struct pod *pod = &world.pods[world.agents[world.running]->pod];
    real_path(pod, "", path);
    w->agent = world.running;
    w->next = watchers;
    w->directory_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (w->directory_fd < 0) {
        free(w);
        (void)FAIL_ERRNO(e, "opening %s for %s", path, directory);
        return NULL;
    }
    watchers = w;
    tell_all(w, pod);
    return w;
}

void watcher_free(struct watcher *w)
{
    if (w == NULL)
        return;
    for (struct watcher **at = &watchers; *at != NULL; at = &(*at)->next)
        if (*at == w) {
            *at = w->next;
            break;
        }
    close(w->directory_fd);
    free(w);
}

int watcher_directory(const struct watcher *w)
{
    return w->directory_fd;
}

int watcher_fd(const struct watcher *w)
{
    return w->directory_fd;
}

void watcher_name(struct watcher *w, const char *path)
{
    queue(w, CHANGE_NAMED, path, "", false);
}

int watcher_drain(struct watcher *w, void (*fn)(void *context, const struct change *c), void *context,
                  struct err *e)
{
    (void)e;
    for (int i = 0; i < w->count; i++) {
        const struct queued *q = &w->queue[i];
        fn(context, &(struct change){q->kind, q->path, q->kind == CHANGE_MOVED ? q->to : NULL,
                                     q->is_directory, q->at_ms});
    }
    w->count = 0;
    return 0;
}

/* The volume's size is of no concern here. */
int fstatvfs(int fd, struct statvfs *ret)
{
    (void)fd;
    *ret = (struct statvfs){.f_bavail = 1 << 20, .f_frsize = BLOCK};
    return 0;
}

/* ---- acts ---- */
static void make_parents(char *path)
{
    for (char *slash = strchr(path + strlen(root) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
}

static void stamp(int fd)
{
    int64_t ns = ++writes;
    struct timespec t = {.tv_sec = 1000000 + ns / 1000000000, .tv_nsec = ns % 1000000000};
    (void)futimens(fd, (struct timespec[2]){t, t});
}

static void write_half(struct disk_file *f, bool is_second)
{
    const char *text = world.contents[f->content].text;
    size_t length = strlen(text), half = length / 2;
    if (pwrite(f->fd, is_second ? text + half : text, is_second ? length - half : half,
               is_second ? (off_t)half : 0) < 0)
        abort();
    stamp(f->fd);
}

static void on_written(struct pod *pod, const struct act *a)
{
    char path[256];
    struct disk_file *f = find(pod, a->path);
    int before = f == NULL ? -1 : f->content;
    real_path(pod, a->path, path);
    make_parents(path);
    if (f == NULL) {
        f = &pod->files[pod->count++];
        *f = (struct disk_file){.fd = -1};
        (void)snprintf(f->path, sizeof(f->path), "%s", a->path);
    } else {
        history_content_is_gone(before);
    }
    f->content = history_new_content(pod->attempt, a, before);
    f->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (a->is_append ? 0 : O_TRUNC), 0600);
    if (f->fd < 0)
        abort();
    write_half(f, false);
    tell(pod, CHANGE_WRITTEN, a->path, "", false);
}

static void close_file(struct pod *pod, struct disk_file *f)
{
    close(f->fd);
    f->fd = -1;
    tell(pod, CHANGE_CLOSED, f->path, "", false);
}

static void on_closed(struct pod *pod, const struct act *a)
{
    struct disk_file *f = find(pod, a->path);
    if (f == NULL || f->fd < 0)
        return;
    write_half(f, true);
    world.contents[f->content].closed_ms = world.now_ms;
    close_file(pod, f);
}

static void on_moved(struct pod *pod, const struct act *a)
{
    char from[256], to[256];
    real_path(pod, a->path, from);
    real_path(pod, a->to, to);
    make_parents(to);
    if (rename(from, to) < 0)
        return;
    forget(pod, a->to);
    for (int i = 0; i < pod->count; i++) {
        struct disk_file *f = &pod->files[i];
        char path[2 * PATH_SIZE];
        if (!is_within(f->path, a->path))
            continue;
        (void)snprintf(path, sizeof(path), "%s%s", a->to, f->path + strlen(a->path));
        (void)snprintf(f->path, sizeof(f->path), "%.*s", PATH_SIZE - 1, path);
        history_content_moved(f->content, f->path);
    }
    tell(pod, CHANGE_MOVED, a->path, a->to, a->is_directory);
}

static void on_deleted(struct pod *pod, const struct act *a)
{
    char path[256];
    real_path(pod, a->path, path);
    if (remove(path) < 0)
        return;
    forget(pod, a->path);
    tell(pod, CHANGE_DELETED, a->path, "", a->is_directory);
}

void disk_act(struct pod *pod, const struct act *a)
{
    trace("pod %s: %d %s %s", pod->uid, (int)a->kind, a->path, a->to);
    pod->touched_ms = world.now_ms;
    switch (a->kind) {
    case CHANGE_WRITTEN: on_written(pod, a); break;
    case CHANGE_CLOSED: on_closed(pod, a); break;
    case CHANGE_MOVED: on_moved(pod, a); break;
    case CHANGE_DELETED: on_deleted(pod, a); break;
    case CHANGE_NAMED: tell(pod, CHANGE_NAMED, a->path, "", false); break;
    }
    if (a->declares)
        pod->declared_ms = world.now_ms;
    if (a->declares)
        history_declare(pod, a->kind == CHANGE_MOVED ? a->to : a->path);
    else if (a->kind == CHANGE_MOVED)
        history_declare_known(pod, a->to);
}

void disk_close_all(struct pod *pod)
{
    for (int i = 0; i < pod->count; i++)
        if (pod->files[i].fd >= 0)
            close_file(pod, &pod->files[i]);
}

void disk_declare_all(struct pod *pod)
{
    history_declare_everything(pod);
}
