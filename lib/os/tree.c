#include "os/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"

#include "base/banned.h"

enum { DEPTH_MAX = 64 };

static int remove_below(int directory_fd, const char *name, int depth, struct err *e);

/* Closes fd. */
static int remove_entries(int fd, const char *name, int depth, struct err *e)
{
    DIR *directory = fdopendir(fd);
    const struct dirent *entry;
    int result = 0;
    if (directory == NULL) {
        cleanup_fd(&fd);
        return FAIL_ERRNO(e, "reading directory %s", name);
    }
    while (result == 0 && (entry = readdir(directory)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            result = remove_below(dirfd(directory), entry->d_name, depth + 1, e);
    closedir(directory);
    return result;
}

static int remove_below(int directory_fd, const char *name, int depth, struct err *e)
{
    if (unlinkat(directory_fd, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR)
        return FAIL_ERRNO(e, "removing %s", name);
    if (depth > DEPTH_MAX)
        return FAIL(e, ERR_TOO_LARGE, "directories are nested deeper than %d at %s", DEPTH_MAX, name);
    int fd = openat(directory_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : FAIL_ERRNO(e, "opening directory %s", name);
    if (remove_entries(fd, name, depth, e) < 0)
        return -1;
    if (unlinkat(directory_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return FAIL_ERRNO(e, "removing directory %s", name);
    return 0;
}

int tree_remove(int directory_fd, const char *name, struct err *e)
{
    return remove_below(directory_fd, name, 0, e);
}

int tree_empty(const char *directory, struct err *e)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? FAIL_ERRNO(e, "opening %s", directory) : remove_entries(fd, directory, 0, e);
}
