#include "seal/links.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/view.h"
#include "os/file.h"

#include "base/banned.h"

/* Goes into the directory of that name, which is made where it is missing. Takes fd; -1: it cannot be. */
static int enter(int fd, const char *name, unsigned mode)
{
    int next = -1;
    if (mkdirat(fd, name, (mode_t)mode) == 0 || errno == EEXIST)
        next = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    close(fd);
    return next;
}

static int make_link(const struct manifest_entry *entry, const char *directory, unsigned mode, struct err *e)
{
    struct view rest, part = view_cut(view_from(entry->path), '/', &rest);
    int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (; fd >= 0 && rest.len > 0; part = view_cut(rest, '/', &rest)) {
        char *name CLEANUP(cleanup_free) = view_dup(part);
        fd = enter(fd, name, mode);
    }
    char *last CLEANUP(cleanup_free) = view_dup(part);
    bool is_made = fd >= 0 && symlinkat(entry->link, fd, last) == 0;
    if (!is_made)
        (void)FAIL_ERRNO(e, "making the link %s", entry->path);
    if (fd >= 0)
        close(fd);
    return is_made ? 0 : -1;
}

int manifest_make_links(const struct manifest *m, const char *directory, unsigned mode, struct err *e)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->entries[i].link != NULL && make_link(&m->entries[i], directory, mode, e) < 0)
            return -1;
    return 0;
}
