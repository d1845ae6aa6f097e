#include "atomic_directory.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

#include "base/banned.h"

enum { OPEN_DIRECTORIES_MAX = 32, REMOVAL_TRIES = 10, EXIT_OF_SIGNAL = 128 };

/* The directory for the signal thread to remove, or NULL. The lock is held while it is renamed or removed. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *uncommitted;

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    (void)remove(path);
    return 0;
}

/* Other threads may still be creating files in it, hence more than one try. */
static void remove_tree(const char *path)
{
    for (int i = 0; i < REMOVAL_TRIES && access(path, F_OK) == 0; i++)
        (void)nftw(path, remove_one, OPEN_DIRECTORIES_MAX, FTW_DEPTH | FTW_PHYS);
}

static void *wait_for_signal(void *context)
{
    const sigset_t *signals = context;
    int number = 0;
    if (sigwait(signals, &number) != 0)
        return NULL;
    pthread_mutex_lock(&lock); /* never unlocked: nothing may be renamed from now on */
    if (uncommitted != NULL)
        remove_tree(uncommitted);
    fputs("interrupted\n", stderr);
    _exit(EXIT_OF_SIGNAL + number);
}

static int watch_signals(struct err *e)
{
    static sigset_t signals;
    pthread_t thread;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    errno = pthread_create(&thread, NULL, wait_for_signal, &signals);
    if (errno != 0)
        return FAIL_ERRNO(e, "starting a thread");
    pthread_detach(thread);
    return 0;
}

static bool is_empty_directory(const char *path)
{
    DIR *directory = opendir(path);
    const struct dirent *entry;
    bool is_empty = directory != NULL;
    while (is_empty && (entry = readdir(directory)) != NULL)
        is_empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (directory != NULL)
        closedir(directory);
    return is_empty;
}

static int check_target(const char *target, struct err *e)
{
    const char *slash = strrchr(target, '/'), *name = slash == NULL ? target : slash + 1;
    struct stat st;
    if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return FAIL_OBJECT(e, ERR_INVALID, target, "\"%s\" cannot be replaced: name a new directory", target);
    if (lstat(target, &st) < 0)
        return errno == ENOENT ? 0 : FAIL_ERRNO(e, "%s", target);
    if (!S_ISDIR(st.st_mode) || !is_empty_directory(target))
        return FAIL_OBJECT(e, ERR_ALREADY_EXISTS, target, "%s exists and is not an empty directory", target);
    return 0;
}

int atomic_directory_make(const char *target, struct atomic_directory *ret, struct err *e)
{
    size_t length = strlen(target);
    while (length > 1 && target[length - 1] == '/')
        length--;
    struct atomic_directory d = {.target = xstrndup(target, length)};
    int result = check_target(d.target, e);
    if (result == 0)
        result = watch_signals(e);
    d.temporary = xasprintf("%s.part-XXXXXX", d.target);
    pthread_mutex_lock(&lock);
    if (result == 0 && mkdtemp(d.temporary) == NULL)
        result = FAIL_ERRNO(e, "creating a temporary directory next to %s", d.target);
    if (result == 0)
        uncommitted = d.temporary;
    pthread_mutex_unlock(&lock);
    if (result == 0) {
        *ret = d;
        return 0;
    }
    free(d.temporary);
    free(d.target);
    return -1;
}

int atomic_directory_commit(struct atomic_directory *d, struct err *e)
{
    int result = 0;
    pthread_mutex_lock(&lock);
    if (rename(d->temporary, d->target) < 0) {
        result = FAIL_ERRNO(e, "renaming %s to %s", d->temporary, d->target);
    } else {
        uncommitted = NULL;
        free(d->temporary);
        d->temporary = NULL;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

void atomic_directory_fini(struct atomic_directory *d)
{
    pthread_mutex_lock(&lock);
    if (d->temporary != NULL)
        remove_tree(d->temporary);
    uncommitted = NULL;
    pthread_mutex_unlock(&lock);
    free(d->temporary);
    free(d->target);
    *d = (struct atomic_directory){.target = NULL};
}
