#include "agent/remembered.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "checkpoint/snapshot.h"
#include "os/file.h"

#include "base/banned.h"

enum left { ABSENT, CHANGED, AS_IT_WAS };

static enum left find(int directory_fd, const struct manifest_entry *entry)
{
    struct stat st;
    if (fstatat(directory_fd, entry->path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return ABSENT;
    if (entry->link != NULL)
        return S_ISLNK(st.st_mode) ? AS_IT_WAS : CHANGED; /* it is read again */
    bool is_same = S_ISREG(st.st_mode) && (uint64_t)st.st_size == entry->sealed.plain_bytes &&
                   stat_modified_ns(&st) == entry->modified_ns;
    return is_same ? AS_IT_WAS : CHANGED;
}

static bool remember(struct volume *v, const struct manifest_entry *entry)
{
    if (entry->link != NULL)
        return true;
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

/* The end of the checkpoint that begins there: of a directory, or of one file. */
static size_t end_of_checkpoint(const struct manifest *m, size_t at)
{
    size_t end = at + 1;
    while (end < m->count && m->entries[at].group != NULL && m->entries[end].group != NULL &&
           strcmp(m->entries[end].group, m->entries[at].group) == 0)
        end++;
    return end;
}

/* True: the volume knows what has become of it. A directory that has changed stays as it was until it is
 * declared again. */
static bool take_over(struct volume *v, int directory_fd, const struct manifest_entry *first, size_t count)
{
    size_t absent = 0, same = 0;
    for (size_t i = 0; i < count; i++) {
        enum left found = find(directory_fd, &first[i]);
        absent += found == ABSENT;
        same += found == AS_IT_WAS;
    }
    if (absent == count || same < count)
        return absent == count;
    bool is_whole = true;
    for (size_t i = 0; i < count; i++)
        is_whole = remember(v, &first[i]) && is_whole;
    if (is_whole && first->group != NULL)
        volume_remember_entry(v, first->group);
    return is_whole;
}

void remember_committed(struct volume *v, int directory_fd, struct manifest *newest, int64_t attempt)
{
    size_t kept = 0;
    for (size_t at = 0, end; at < newest->count; at = end) {
        end = end_of_checkpoint(newest, at);
        bool is_known = newest->entries[at].attempt == attempt &&
                        take_over(v, directory_fd, &newest->entries[at], end - at);
        for (size_t i = at; i < end; i++) {
            if (is_known)
                manifest_entry_fini(&newest->entries[i]);
            else
                newest->entries[kept++] = newest->entries[i];
        }
    }
    newest->count = kept;
}
