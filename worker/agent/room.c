#include "agent/room.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "checkpoint/retention.h"
#include "checkpoint/snapshot.h"
#include "os/log.h"
#include "seal/footprint.h"

#include "base/banned.h"

enum { PAGE_BYTES = 4096 };

static uint64_t free_bytes(const struct room *r)
{
    struct statvfs s;
    return fstatvfs(r->directory_fd, &s) == 0 ? (uint64_t)s.f_bavail * s.f_frsize : UINT64_MAX;
}

bool room_is_out(const struct room *r)
{
    return free_bytes(r) < PAGE_BYTES;
}

static const char *name_of(const struct listed *item)
{
    return item->entry != NULL ? item->entry : item->path;
}

/* Reading it moves the time of its last access; the agent's own reading does not. */
static bool may_go(const struct room *r, const struct listed *item)
{
    struct stat st;
    if (item->version->is_freed || item->version->path == NULL ||
        fstatat(r->directory_fd, item->version->path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return false;
    return S_ISLNK(st.st_mode) || st.st_atim.tv_sec < st.st_mtim.tv_sec ||
           (st.st_atim.tv_sec == st.st_mtim.tv_sec && st.st_atim.tv_nsec <= st.st_mtim.tv_nsec);
}

static struct series weigh(const struct room *r, const struct listing *l)
{
    struct series s = {.list = NULL};
    for (size_t i = 0; i < l->count; i++) {
        const struct listed *item = &l->items[i];
        const struct stored *stored = item->version->object;
        series_add(&s, name_of(item),
                   &(struct series_name){.since = {.sequence = stored->sequence},
                                         .is_declared = item->version->is_declared,
                                         .may_leave = may_go(r, item)});
    }
    series_choose(&s, SNAPSHOT_KEEP);
    return s;
}

/* Files of one checkpoint stand side by side. */
static void note_largest(struct room *r, const struct listing *l)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < l->count; i++) {
        const struct stored *stored = l->items[i].version->object;
        bool is_same = i > 0 && strcmp(name_of(&l->items[i]), name_of(&l->items[i - 1])) == 0;
        bytes = (is_same ? bytes : 0) + footprint_page_bytes(stored->entry.sealed.plain_bytes);
        if (bytes > r->largest_bytes)
            r->largest_bytes = bytes;
    }
}

static void remove_files(const struct room *r, struct volume *v, const struct listing *l, const char *name)
{
    for (size_t i = 0; i < l->count; i++) {
        const struct listed *item = &l->items[i];
        if (strcmp(name_of(item), name) == 0 && volume_release(v, item->version->path) &&
            unlinkat(r->directory_fd, item->version->path, 0) < 0)
            log_warning("cannot remove a file of an old checkpoint", "path", item->path, NULL);
    }
}

void room_make(struct room *r, struct volume *v)
{
    const struct listing *l = volume_newest(v);
    struct series_name *oldest;
    if (l == NULL)
        return;
    note_largest(r, l);
    if (free_bytes(r) >= r->largest_bytes)
        return;
    struct series s = weigh(r, l);
    while (free_bytes(r) < r->largest_bytes && (oldest = series_oldest_leaving(&s)) != NULL) {
        if (!r->has_said)
            log_warning(
                "removing old checkpoints from the volume, because the next one would not fit: they are "
                "stored; raise staging.outputLimit to keep more of them",
                "first", oldest->name, NULL);
        r->has_said = true;
        remove_files(r, v, l, oldest->name);
        oldest->leaves = false;
    }
    series_fini(&s);
}
