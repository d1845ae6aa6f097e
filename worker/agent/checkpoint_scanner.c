#include "agent/checkpoint_scanner.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/view.h"
#include "data/skim.h"
#include "os/file.h"
#include "os/tree.h"

#include "base/banned.h"

enum { DEPTH_MAX = 32, RENAMED_MAX = 1024, STEP_DIGITS_MAX = 18 };

struct candidate {
    char *name;
    struct timespec changed;
};

struct scanner {
    char *path;
    int directory_fd, inotify_fd;
    char **renamed; /* directories that were moved into place */
    size_t renamed_count;
};

struct scanner *scanner_new(const char *directory, struct err *e)
{
    struct scanner *f = xcalloc(1, sizeof(*f));
    f->path = xstrdup(directory);
    f->directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    f->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (f->directory_fd < 0 || f->inotify_fd < 0 ||
        inotify_add_watch(f->inotify_fd, directory, IN_MOVED_TO | IN_CLOSE_WRITE | IN_CREATE) < 0) {
        err_set_errno(e, "watching %s", directory);
        scanner_free(f);
        return NULL;
    }
    return f;
}

void scanner_free(struct scanner *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->renamed_count; i++)
        free(f->renamed[i]);
    free(f->renamed);
    cleanup_fd(&f->directory_fd);
    cleanup_fd(&f->inotify_fd);
    free(f->path);
    free(f);
}

int scanner_hint_fd(const struct scanner *f)
{
    return f->inotify_fd;
}

bool scanner_name_is_temporary(const char *name)
{
    static const char *const SUFFIXES[] = {".tmp", ".part", ".incomplete"};
    struct view v = view_from(name);
    if (name[0] == '.' || view_has_prefix(v, "tmp-"))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(SUFFIXES); i++)
        if (view_has_suffix(v, SUFFIXES[i]))
            return true;
    return false;
}

long long scanner_step(const char *name)
{
    size_t stem = strcspn(name, "."), first = stem;
    long long step = 0;
    if (stem == 0)
        stem = first = strlen(name);
    while (first > 0 && stem - first < STEP_DIGITS_MAX && isdigit((unsigned char)name[first - 1]))
        first--;
    for (size_t i = first; i < stem; i++)
        step = step * 10 + (name[i] - '0');
    return first == stem ? -1 : step;
}

static bool was_renamed(const struct scanner *f, const char *name)
{
    for (size_t i = 0; i < f->renamed_count; i++)
        if (strcmp(f->renamed[i], name) == 0)
            return true;
    return false;
}

static void forget_renamed(struct scanner *f, size_t at)
{
    free(f->renamed[at]);
    f->renamed[at] = f->renamed[--f->renamed_count];
}

/* The trainer may remove or rename an entry, and later create another of that name in place. */
static void forget_absent(struct scanner *f)
{
    struct stat ignored;
    for (size_t i = f->renamed_count; i-- > 0;)
        if (fstatat(f->directory_fd, f->renamed[i], &ignored, AT_SYMLINK_NOFOLLOW) < 0)
            forget_renamed(f, i);
}

/* Learns which directories were renamed into place. */
static void read_hints(struct scanner *f)
{
    char buffer[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)] __attribute__((aligned(8)));
    ssize_t n;
    while ((n = read(f->inotify_fd, buffer, sizeof(buffer))) > 0) {
        for (char *at = buffer; at < buffer + n;) {
            const struct inotify_event *event = (const void *)at;
            if ((event->mask & IN_MOVED_TO) != 0 && (event->mask & IN_ISDIR) != 0 && event->len > 0 &&
                f->renamed_count < RENAMED_MAX && !was_renamed(f, event->name)) {
                f->renamed = xreallocarray(f->renamed, f->renamed_count + 1, sizeof(*f->renamed));
                f->renamed[f->renamed_count++] = xstrdup(event->name);
            }
            at += sizeof(*event) + event->len;
        }
    }
}

static bool is_tree_quiet(int fd, int depth);

/* A read lease is granted only while nobody has the file open for writing. */
static bool is_entry_quiet(int directory_fd, const char *name, int depth)
{
    struct stat st;
    int fd = openat(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return true; /* publishing reports what is wrong with it */
    if (fstat(fd, &st) < 0) {
        close(fd);
        return false;
    }
    if (S_ISDIR(st.st_mode))
        return is_tree_quiet(fd, depth + 1); /* takes fd */
    bool is_quiet = true;
    if (S_ISREG(st.st_mode)) {
        is_quiet = fcntl(fd, F_SETLEASE, F_RDLCK) == 0 || errno != EAGAIN;
        (void)fcntl(fd, F_SETLEASE, F_UNLCK);
    }
    close(fd);
    return is_quiet;
}

static bool is_tree_quiet(int fd, int depth)
{
    DIR *directory = fdopendir(fd);
    const struct dirent *entry;
    bool is_quiet = true;
    if (directory == NULL) {
        close(fd);
        return false;
    }
    while (is_quiet && depth < DEPTH_MAX && (entry = readdir(directory)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            is_quiet = is_entry_quiet(dirfd(directory), entry->d_name, depth);
    closedir(directory);
    return is_quiet;
}

static bool is_finished(const struct scanner *f, const char *name, const struct stat *st, bool is_final)
{
    if (scanner_name_is_temporary(name) || S_ISLNK(st->st_mode))
        return false;
    if (S_ISDIR(st->st_mode) && !is_final && !was_renamed(f, name)) {
        char *marker CLEANUP(cleanup_free) = xasprintf("%s/.metadata", name);
        struct stat ignored;
        if (fstatat(f->directory_fd, marker, &ignored, AT_SYMLINK_NOFOLLOW) < 0)
            return false;
    }
    return is_entry_quiet(f->directory_fd, name, 0);
}

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->changed.tv_sec != y->changed.tv_sec)
        return x->changed.tv_sec < y->changed.tv_sec ? -1 : 1;
    if (x->changed.tv_nsec != y->changed.tv_nsec)
        return x->changed.tv_nsec < y->changed.tv_nsec ? -1 : 1;
    return strcmp(x->name, y->name);
}

static size_t list_finished(const struct scanner *f, DIR *directory, bool is_final, struct candidate **ret)
{
    const struct dirent *entry;
    size_t count = 0;
    while ((entry = readdir(directory)) != NULL) {
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            fstatat(f->directory_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
            !is_finished(f, entry->d_name, &st, is_final))
            continue;
        *ret = xreallocarray(*ret, count + 1, sizeof(**ret));
        (*ret)[count++] = (struct candidate){xstrdup(entry->d_name), st.st_mtim};
    }
    if (count > 0)
        qsort(*ret, count, sizeof(**ret), compare_candidates);
    return count;
}

int scanner_scan(struct scanner *f, bool is_final, char ***ret_names, size_t *ret_count, struct err *e)
{
    struct candidate *found CLEANUP(cleanup_free) = NULL;
    read_hints(f);
    forget_absent(f);
    DIR *directory = opendir(f->path);
    if (directory == NULL)
        return FAIL_ERRNO(e, "reading %s", f->path);
    size_t count = list_finished(f, directory, is_final, &found);
    closedir(directory);
    char **names = xcalloc(count, sizeof(*names));
    for (size_t i = 0; i < count; i++)
        names[i] = found[i].name;
    *ret_names = names;
    *ret_count = count;
    return 0;
}

/* ---- removing ---- */
/* An entry is renamed to this while its stamp is compared and it is removed, so that nobody else touches it.
 */
#define REMOVED ".cloister-removed"

static uint64_t stamp_below(int directory_fd, const char *name, int depth)
{
    struct stat st;
    const struct dirent *entry;
    if (depth > DEPTH_MAX || fstatat(directory_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    const uint64_t facts[] = {st.st_ino, st.st_mode, (uint64_t)st.st_size, (uint64_t)st.st_mtim.tv_sec,
                              (uint64_t)st.st_mtim.tv_nsec};
    uint64_t stamp = skim_hash_text(view_of(facts, sizeof(facts)));
    int fd = S_ISDIR(st.st_mode) ? openat(directory_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                                 : -1;
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (directory == NULL) {
        cleanup_fd(&fd);
        return stamp;
    }
    while ((entry = readdir(directory)) != NULL) /* in any order */
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            stamp += skim_hash_mix(skim_hash_text(view_from(entry->d_name)) +
                                   stamp_below(fd, entry->d_name, depth + 1));
    closedir(directory);
    return stamp;
}

uint64_t scanner_stamp(const struct scanner *f, const char *name)
{
    return stamp_below(f->directory_fd, name, 0);
}

int scanner_remove(struct scanner *f, const char *name, uint64_t stamp, struct err *e)
{
    if (tree_remove(f->directory_fd, REMOVED, e) < 0)
        return -1;
    if (renameat(f->directory_fd, name, f->directory_fd, REMOVED) < 0)
        return errno == ENOENT ? 0 : FAIL_ERRNO(e, "removing %s", name);
    if (scanner_stamp(f, REMOVED) != stamp &&
        renameat2(f->directory_fd, REMOVED, f->directory_fd, name, RENAME_NOREPLACE) == 0)
        return 0;
    for (size_t i = 0; i < f->renamed_count; i++)
        if (strcmp(f->renamed[i], name) == 0) {
            forget_renamed(f, i);
            break;
        }
    if (tree_remove(f->directory_fd, REMOVED, e) == 0)
        return 0;
    err_recode(e, ERR_OUTPUT_UNREADABLE); /* the trainer has removed the permission to delete it */
    return -1;
}
