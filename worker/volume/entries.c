/* Directories that were declared, and listings of the present state. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "volume/path_names.h"
#include "volume/volume_int.h"

#include "base/banned.h"

struct entry *entry_of(const struct volume *v, const char *path)
{
    struct entry *outermost = NULL;
    for (size_t i = 0; i < v->entry_count; i++) {
        struct entry *entry = &v->entries[i];
        if (path_is_below(path, entry->path) &&
            (outermost == NULL || strlen(entry->path) < strlen(outermost->path)))
            outermost = entry;
    }
    return outermost;
}

static struct entry *entry_at(struct volume *v, const char *path)
{
    for (size_t i = 0; i < v->entry_count; i++)
        if (strcmp(v->entries[i].path, path) == 0)
            return &v->entries[i];
    v->entries = xreallocarray(v->entries, v->entry_count + 1, sizeof(*v->entries));
    v->entries[v->entry_count] = (struct entry){.path = xstrdup(path)};
    return &v->entries[v->entry_count++];
}

static bool is_all_read(const struct listing *l)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i].version->state != VERSION_READ && l->items[i].version->state != VERSION_SKIPPED)
            return false;
    return true;
}

/* What is closed below the directory; paths are relative to it. */
static struct listing *list_below(const struct volume *v, const char *directory)
{
    struct listing *l = listing_new(true, directory);
    size_t skipped = *directory == '\0' ? 0 : strlen(directory) + 1;
    for (size_t at = files_find(&v->files, directory); at < v->files.count; at++) {
        const struct file *f = v->files.list[at];
        if (strncmp(f->path, directory, strlen(directory)) != 0)
            break;
        if (!path_is_below(f->path, directory) || f->is_open || f->version == NULL)
            continue;
        f->version->is_declared = true;
        listing_add(l, f->path + skipped, f->version, NULL, NULL);
    }
    return l;
}

bool entry_declare(struct volume *v, const char *path)
{
    struct listing *now = list_below(v, path);
    if (now->count == 0) {
        listing_free(now);
        return false;
    }
    struct entry *entry = entry_at(v, path);
    if (entry->now != NULL && is_all_read(entry->now)) {
        listing_free(entry->earlier);
        entry->earlier = entry->now;
    } else {
        listing_free(entry->now);
    }
    entry->now = now;
    return true;
}

static void entry_fini(struct entry *entry)
{
    free(entry->path);
    listing_free(entry->now);
    listing_free(entry->earlier);
}

void entries_remove(struct volume *v, const char *path)
{
    for (size_t i = v->entry_count; i-- > 0;)
        if (path_is_at_or_below(v->entries[i].path, path)) {
            entry_fini(&v->entries[i]);
            v->entries[i] = v->entries[--v->entry_count];
        }
}

void entries_move(struct volume *v, const char *from, const char *to)
{
    for (size_t i = 0; i < v->entry_count; i++) {
        struct entry *entry = &v->entries[i];
        if (!path_is_at_or_below(entry->path, from))
            continue;
        char *path = xasprintf("%s%s", to, entry->path + strlen(from));
        free(entry->path);
        entry->path = path;
    }
}

void entries_free(struct volume *v)
{
    for (size_t i = 0; i < v->entry_count; i++)
        entry_fini(&v->entries[i]);
    free(v->entries);
}

/* ---- listings ---- */
static void add_entry(struct listing *l, const char *directory, const struct listing *of)
{
    for (size_t i = 0; i < of->count; i++) {
        char *path CLEANUP(cleanup_free) = *directory == '\0'
                                               ? xstrdup(of->items[i].path)
                                               : xasprintf("%s/%s", directory, of->items[i].path);
        listing_add(l, path, of->items[i].version, NULL, directory);
    }
}

struct listing *volume_list(struct volume *v, bool is_declared, const char *name)
{
    struct listing *l = listing_new(is_declared, name);
    l->serial = ++v->serial;
    for (size_t i = 0; i < v->files.count; i++) {
        const struct file *f = v->files.list[i];
        if (path_is_temporary(f->path) || entry_of(v, f->path) != NULL)
            continue;
        if (f->version != NULL && !(f->is_open && f->version->state == VERSION_READ))
            listing_add(l, f->path, f->version, f->previous, NULL);
        else if (f->version != NULL || f->previous != NULL)
            listing_add(l, f->path, f->version != NULL ? f->version : f->previous, NULL, NULL);
    }
    for (size_t i = 0; i < v->entry_count; i++)
        if (!path_is_temporary(v->entries[i].path) && entry_of(v, v->entries[i].path) == NULL)
            add_entry(l, v->entries[i].path, v->entries[i].now);
    listing_sort(l);
    return l;
}

/* Takes out the items of that entry, and adds those of its earlier version. */
static void put_back_entry(struct listing *l, const char *directory, const struct listing *earlier)
{
    char *path CLEANUP(cleanup_free) = xstrdup(directory);
    listing_remove_entry(l, path);
    if (earlier != NULL)
        add_entry(l, path, earlier);
    listing_sort(l);
}

/* The set that was lost holds nothing else up: its earlier version stays, or it is not there. */
static bool repair_entry(const struct volume *v, struct listing *l, const char *directory)
{
    for (size_t i = 0; i < v->entry_count; i++)
        if (strcmp(v->entries[i].path, directory) == 0) {
            put_back_entry(l, directory, v->entries[i].earlier);
            return true;
        }
    if (v->is_unsure) /* its removal takes effect with what came before it only */
        return false;
    put_back_entry(l, directory, NULL);
    return true;
}

static bool repair_file(struct listed *item)
{
    const struct version *was = item->version;
    bool may_fall_back = was->state == VERSION_HELD || was->is_rewritten;
    if (!may_fall_back)
        return false;
    if (item->fallback != NULL)
        item->fallback->is_rewritten = was->is_rewritten;
    version_release(item->version);
    item->version = item->fallback;
    item->fallback = NULL;
    return true;
}

bool volume_repair(const struct volume *v, struct listing *l)
{
    for (size_t i = 0; i < l->count;) {
        struct listed *item = &l->items[i];
        enum version_state state = item->version->state;
        if (state == VERSION_READ || state == VERSION_UNREAD)
            i++;
        else if (state == VERSION_SKIPPED)
            listing_remove(l, i);
        else if (item->entry != NULL) {
            if (!repair_entry(v, l, item->entry))
                return false;
            i = 0;
        } else if (!repair_file(item)) {
            return false;
        } else if (item->version == NULL) {
            listing_remove(l, i);
        }
    }
    return true;
}
