#include "agent/remembered.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "checkpoint/snapshot.h"
#include "os/file.h"

#include "base/banned.h"

static bool is_as_it_was(int directory_fd, const struct manifest_entry *entry)
{
    struct stat st;
    return fstatat(directory_fd, entry->path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           (uint64_t)st.st_size == entry->sealed.plain_bytes && stat_modified_ns(&st) == entry->modified_ns;
}

static bool remember(struct volume *v, const struct manifest_entry *entry)
{
    struct stored *s = xcalloc(1, sizeof(*s));
    s->entry = manifest_entry_copy(entry);
    s->sequence = entry->sequence;
    if (s->entry.stored_path != NULL) {
        free(s->entry.path);
        s->entry.path = s->entry.stored_path;
        s->entry.stored_path = NULL;
    }
    /* Files of a directory are declared with it, or, where one has changed, not at all. */
    if (volume_remember(v, entry->path, s, entry->is_declared && entry->group == NULL))
        return true;
    stored_free(s);
    return false;
}

void remember_committed(struct volume *v, int directory_fd, const struct manifest *newest, int64_t attempt)
{
    bool is_whole = true;
    for (size_t i = 0; i < newest->count; i++) {
        const struct manifest_entry *entry = &newest->entries[i], *next = entry + 1;
        if (entry->attempt != attempt)
            continue;
        bool is_last = i + 1 == newest->count || next->group == NULL || entry->group == NULL ||
                       strcmp(next->group, entry->group) != 0;
        if (entry->link == NULL)
            is_whole = is_as_it_was(directory_fd, entry) && remember(v, entry) && is_whole;
        if (!is_last)
            continue;
        if (is_whole && entry->group != NULL)
            volume_remember_entry(v, entry->group);
        is_whole = true;
    }
}
