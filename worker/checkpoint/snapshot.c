#include "checkpoint/snapshot.h"

#include <string.h>

#include "base/alloc.h"
#include "checkpoint/retention.h"
#include "volume/path_names.h"

#include "base/banned.h"

void stored_free(void *stored)
{
    struct stored *s = stored;
    if (s == NULL)
        return;
    manifest_entry_fini(&s->entry);
    free(s);
}

static const struct stored *stored_of(const struct listed *item)
{
    return item->version->object;
}

/* ---- who leaves ---- */
static const char *name_of(const char *group, const char *path)
{
    if (group == NULL)
        return path;
    return *group == '\0' ? "." : group;
}

const char *snapshot_name(const struct manifest_entry *entry)
{
    return name_of(entry->group, entry->path);
}

static const char *name_of_item(const struct listed *item)
{
    return name_of(item->entry, item->path);
}

/* by_time: what became a checkpoint in one snapshot is of one age otherwise. */
static void collect_entries(struct series *s, const struct manifest *m, bool by_time)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct manifest_entry *entry = &m->entries[i];
        series_add(s, snapshot_name(entry),
                   &(struct series_name){.since = {entry->attempt, entry->sequence},
                                         .modified_ns = by_time ? entry->modified_ns : 0,
                                         .is_declared = entry->is_declared,
                                         .may_leave = true});
    }
}

static struct series collect(const struct manifest *base, const struct listing *l,
                             const struct manifest *next)
{
    struct series s = {.list = NULL};
    collect_entries(&s, base, false);
    for (size_t i = 0; i < l->count; i++) {
        const struct listed *item = &l->items[i];
        int64_t sequence = stored_of(item)->sequence;
        series_add(&s, name_of_item(item),
                   &(struct series_name){.since = {next->attempt, sequence != 0 ? sequence : next->sequence},
                                         .is_declared = item->version->is_declared,
                                         .may_leave = item->version->is_freed});
    }
    return s;
}

static bool leaves(const struct series *s, const char *name)
{
    const struct series_name *found = series_find(s, name);
    return found != NULL && found->leaves;
}

/* ---- what takes whose place ---- */
/* The first item whose path is not less. */
static size_t find_path(const struct listing *l, const char *path)
{
    size_t low = 0, high = l->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(l->items[middle].path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool has_path(const struct listing *l, const char *path)
{
    size_t at = find_path(l, path);
    return at < l->count && strcmp(l->items[at].path, path) == 0;
}

static bool has_below(const struct listing *l, const char *directory)
{
    char *first CLEANUP(cleanup_free) = xasprintf("%s/", directory);
    size_t at = find_path(l, first);
    return at < l->count && path_is_below(l->items[at].path, directory);
}

/* Whether a file is listed under the name of a directory that the path is in. */
static bool has_file_above(const struct listing *l, const char *path)
{
    char *above CLEANUP(cleanup_free) = xstrdup(path);
    for (char *slash; (slash = strrchr(above, '/')) != NULL;) {
        *slash = '\0';
        if (has_path(l, above))
            return true;
    }
    return false;
}

/* What has only settled does not displace a directory of an attempt before that was declared. */
static bool is_hidden(const struct listed *item, const struct manifest *base)
{
    if (item->entry != NULL || item->version->is_declared)
        return false;
    for (size_t i = 0; i < base->count; i++)
        if (base->entries[i].group != NULL && (path_is_below(item->path, base->entries[i].group) ||
                                               path_is_at_or_below(base->entries[i].group, item->path)))
            return true;
    return false;
}

static struct listing *without_hidden(const struct listing *l, const struct manifest *base)
{
    struct listing *shown = listing_new(l->is_declared, l->name);
    for (size_t i = 0; i < l->count; i++)
        if (!is_hidden(&l->items[i], base))
            listing_add(shown, l->items[i].path, l->items[i].version, NULL, l->items[i].entry);
    return shown;
}

/* A declared directory replaces all that was below it. A file replaces what had its name, and what cannot
 * stand beside it: where one of the two would have to be a directory. */
static bool is_replaced(const struct manifest_entry *b, const struct listing *l)
{
    if (has_path(l, b->path) || has_below(l, b->path) || has_file_above(l, b->path))
        return true;
    const char *last = NULL;
    for (size_t i = 0; i < l->count; i++) {
        const char *entry = l->items[i].entry;
        if (entry == NULL || (last != NULL && strcmp(entry, last) == 0))
            continue;
        last = entry;
        if (path_is_below(b->path, entry))
            return true;
    }
    return false;
}

static void remove_replaced(struct manifest *base, const struct listing *l)
{
    size_t kept = 0;
    for (size_t i = 0; i < base->count; i++) {
        if (is_replaced(&base->entries[i], l))
            manifest_entry_fini(&base->entries[i]);
        else
            base->entries[kept++] = base->entries[i];
    }
    base->count = kept;
}

static void remove_leaving(struct manifest *base, const struct series *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < base->count; i++) {
        struct manifest_entry *b = &base->entries[i];
        if (leaves(s, snapshot_name(b)))
            manifest_entry_fini(b);
        else
            base->entries[kept++] = *b;
    }
    base->count = kept;
}

static void add_item(struct manifest *ret, const struct listed *item)
{
    struct stored *s = item->version->object;
    struct manifest_entry entry = manifest_entry_copy(&s->entry);
    if (s->sequence == 0)
        s->sequence = ret->sequence;
    if (entry.stored_path == NULL && strcmp(entry.path, item->path) != 0)
        entry.stored_path = xstrdup(entry.path);
    free(entry.path);
    entry.path = xstrdup(item->path);
    bool is_in_group = item->entry != NULL && strcmp(item->entry, item->path) != 0;
    entry.group = is_in_group ? xstrdup(item->entry) : NULL;
    entry.is_declared = item->version->is_declared;
    entry.attempt = ret->attempt;
    entry.sequence = s->sequence;
    manifest_add_entry(ret, &entry);
}

void snapshot_make(struct manifest *base, const struct listing *listing, unsigned keep, struct manifest *ret)
{
    struct listing *shown = without_hidden(listing, base);
    remove_replaced(base, shown);
    struct series s = collect(base, shown, ret);
    series_choose(&s, keep);
    remove_leaving(base, &s);
    manifest_add_copies(ret, base);
    for (size_t i = 0; i < shown->count; i++) {
        const struct listed *item = &shown->items[i];
        if (!(item->version->is_freed && leaves(&s, name_of_item(item))))
            add_item(ret, item);
    }
    listing_free(shown);
    series_fini(&s);
}

/* Of the agent while it restores an entry: the entry itself, a copy of it, and the object that is fetched. */
enum { ENTRY_BYTES = 1024 };

struct footprint snapshot_footprint(const struct manifest *m)
{
    struct footprint all = {.files = 0};
    for (size_t i = 0; i < m->count; i++)
        footprint_add_file(&all, m->entries[i].path, i == 0 ? NULL : m->entries[i - 1].path,
                           m->entries[i].sealed.plain_bytes, ENTRY_BYTES);
    return all;
}

static bool fits(const struct manifest *m, const struct footprint_room *room)
{
    const struct footprint all = snapshot_footprint(m);
    return footprint_fits(room, &all);
}

static void remove_name(struct manifest *m, const char *name)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->count; i++) {
        struct manifest_entry *entry = &m->entries[i];
        if (strcmp(snapshot_name(entry), name) == 0)
            manifest_entry_fini(entry);
        else
            m->entries[kept++] = *entry;
    }
    m->count = kept;
}

size_t snapshot_fit(struct manifest *m, const struct footprint_room *room)
{
    struct series s = {.list = NULL};
    struct series_name *oldest;
    size_t removed = 0;
    collect_entries(&s, m, true);
    series_choose(&s, 1);
    while (!fits(m, room) && (oldest = series_oldest_leaving(&s)) != NULL) {
        remove_name(m, oldest->name);
        oldest->leaves = false;
        removed++;
    }
    series_fini(&s);
    return removed;
}

const struct manifest_entry *snapshot_newest(const struct manifest *m)
{
    const struct manifest_entry *newest = NULL;
    for (size_t i = 0; i < m->count; i++) {
        const struct manifest_entry *entry = &m->entries[i];
        if (newest == NULL || (entry->is_declared && !newest->is_declared) ||
            (entry->is_declared == newest->is_declared &&
             lineage_compare((struct lineage){entry->attempt, entry->sequence},
                             (struct lineage){newest->attempt, newest->sequence}) > 0))
            newest = entry;
    }
    return newest;
}
