#include "agent/unseen.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "checkpoint/snapshot.h"
#include "os/file.h"

#include "base/banned.h"

bool unseen_is_written(const struct volume *v, int directory_fd, const char *path)
{
    struct stat st;
    const struct version *version = volume_closed_version(v, path);
    const struct stored *stored = version == NULL || version->state != VERSION_READ ? NULL : version->object;
    return stored != NULL && stored->entry.link == NULL &&
           fstatat(directory_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           stat_modified_ns(&st) != stored->entry.modified_ns;
}

struct open_files {
    struct volume *volume;
    int directory_fd;
    int64_t now_ms;
};

static void tell_if_closed(void *context, const char *path)
{
    const struct open_files *s = context;
    int fd CLEANUP(cleanup_fd) =
        openat(s->directory_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && !fd_is_held_now(fd))
        (void)volume_apply(s->volume,
                           &(struct change){.kind = CHANGE_CLOSED, .path = path, .at_ms = s->now_ms});
}

void unseen_find_closed(struct volume *v, int directory_fd, int64_t now_ms)
{
    struct open_files s = {v, directory_fd, now_ms};
    volume_each_open(v, tell_if_closed, &s);
}
