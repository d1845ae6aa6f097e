/* Directories that were declared, and listings of the present state. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "volume/path_names.h"
#include "volume/volume_int.h"

#include "base/banned.h"

static bool is_inside(const char *path, const char *directory)
{
    return path_is_below(path, directory) && strcmp(path, directory) != 0;
}

struct entry *entry_of(const struct volume *v, const char *path)
{
    struct entry *innermost = NULL;
    for (size_t i = 0; i < v->entry_count; i++) {
        struct entry *entry = &v->entries[i];
        if (is_inside(path, entry->path) &&
            (innermost == NULL || strlen(entry->path) > strlen(innermost->path)))
            innermost = entry;
    }
    return innermost;
}

/* Of an item of an entry's listing; that of a file by itself is "". */
static char *item_path(const char *entry, const struct listed *item)
{
    bool is_joined = *entry != '\0' && *item->path != '\0';
    return xasprintf("%s%s%s", entry, is_joined ? "/" : "", item->path);
}

static const char *path_within(const char *path, const char *directory)
{
    const char *rest = path + strlen(directory);
    return *rest == '/' ? rest + 1 : rest;
}

static bool is_all_read(const struct listing *l)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i].version->state != VERSION_READ && l->items[i].version->state != VERSION_SKIPPED)
            return false;
    return true;
}

/* What is closed at or below the path, and relative to it. */
static struct listing *list_below(const struct volume *v, const char *path)
{
    struct listing *l = listing_new(true, path);
    for (size_t at = files_find(&v->files, path); files_next_within(&v->files, path, &at); at++) {
        const struct file *f = v->files.list[at];
        if (f->is_open || f->version == NULL)
            continue;
        f->version->is_declared = true;
        listing_add(l, path_within(f->path, path), f->version, NULL, NULL);
    }
    return l;
}

/* What the entry around the path has there; NULL: nothing that was read. */
static struct listing *list_before(const struct volume *v, const char *path)
{
    const struct entry *around = entry_of(v, path);
    struct listing *l = listing_new(true, path);
    for (size_t i = 0; around != NULL && i < around->now->count; i++) {
        char *at CLEANUP(cleanup_free) = item_path(around->path, &around->now->items[i]);
        if (path_is_at_or_below(at, path))
            listing_add(l, path_within(at, path), around->now->items[i].version, NULL, NULL);
    }
    if (l->count > 0 && is_all_read(l))
        return l;
    listing_free(l);
    return NULL;
}

static struct entry *entry_at(struct volume *v, const char *path)
{
    for (size_t i = 0; i < v->entry_count; i++)
        if (strcmp(v->entries[i].path, path) == 0)
            return &v->entries[i];
    struct entry entry = {.path = xstrdup(path), .earlier = list_before(v, path)};
    v->entries = xreallocarray(v->entries, v->entry_count + 1, sizeof(*v->entries));
    v->entries[v->entry_count] = entry;
    return &v->entries[v->entry_count++];
}

static void entry_fini(struct entry *entry)
{
    free(entry->path);
    listing_free(entry->now);
    listing_free(entry->earlier);
}

static void entry_remove(struct volume *v, size_t index)
{
    entry_fini(&v->entries[index]);
    v->entries[index] = v->entries[--v->entry_count];
}

bool entry_declare(struct volume *v, const char *path)
{
    struct listing *now = list_below(v, path);
    if (now->count == 0) {
        listing_free(now);
        return false;
    }
    for (size_t i = v->entry_count; i-- > 0;)
        if (is_inside(v->entries[i].path, path))
            entry_remove(v, i);
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

void entries_declare_all(struct volume *v)
{
    for (size_t i = v->entry_count; i-- > 0;)
        if (entry_of(v, v->entries[i].path) != NULL)
            entry_remove(v, i);
    for (size_t i = 0; i < v->entry_count; i++)
        (void)entry_declare(v, v->entries[i].path);
}

void entries_remove(struct volume *v, const char *path)
{
    for (size_t i = v->entry_count; i-- > 0;)
        if (path_is_at_or_below(v->entries[i].path, path))
            entry_remove(v, i);
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
/* Whether the path belongs to an entry inside that one, which was declared later. */
static bool is_of_inner(const struct volume *v, const char *entry, const char *path)
{
    for (size_t i = 0; i < v->entry_count; i++)
        if (is_inside(v->entries[i].path, entry) && path_is_at_or_below(path, v->entries[i].path))
            return true;
    return false;
}

static void add_entry(const struct volume *v, struct listing *l, const char *entry, const struct listing *of)
{
    for (size_t i = 0; i < of->count; i++) {
        char *path CLEANUP(cleanup_free) = item_path(entry, &of->items[i]);
        if (!is_of_inner(v, entry, path))
            listing_add(l, path, of->items[i].version, NULL, entry);
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
        if (!path_is_temporary(v->entries[i].path))
            add_entry(v, l, v->entries[i].path, v->entries[i].now);
    listing_sort(l);
    return l;
}

/* Takes out the items of that entry, and adds those of its earlier version. */
static void put_back_entry(const struct volume *v, struct listing *l, const char *directory,
                           const struct listing *earlier)
{
    char *path CLEANUP(cleanup_free) = xstrdup(directory);
    listing_remove_entry(l, path);
    if (earlier != NULL)
        add_entry(v, l, path, earlier);
    listing_sort(l);
}

/* The set that was lost holds nothing else up: its earlier version stays, or it is not there. */
static bool repair_entry(const struct volume *v, struct listing *l, const char *directory)
{
    for (size_t i = 0; i < v->entry_count; i++)
        if (strcmp(v->entries[i].path, directory) == 0) {
            if (v->entries[i].earlier == NULL && strcmp(l->name, directory) == 0)
                return false; /* nothing would be left of what the act has declared */
            put_back_entry(v, l, directory, v->entries[i].earlier);
            return true;
        }
    if (v->is_unsure) /* its removal takes effect with what came before it only */
        return false;
    put_back_entry(v, l, directory, NULL);
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

/* What a program deletes right after an act, such as the checkpoint before the new one, and before anybody
 * has read it: the state after that counts. */
static bool let_go(struct listing *l)
{
    for (size_t i = 0; i < l->count;) {
        const struct listed *item = &l->items[i];
        if (item->version->let_go != l->serial) {
            i++;
        } else if (path_is_at_or_below(item->path, l->name)) {
            return false; /* it is what the act has declared */
        } else if (item->entry == NULL) {
            listing_remove(l, i);
        } else {
            char *entry CLEANUP(cleanup_free) = xstrdup(item->entry);
            listing_remove_entry(l, entry);
            i = 0;
        }
    }
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
        else if (item->version->let_go == l->serial) {
            if (!let_go(l))
                return false;
            i = 0;
        } else if (item->entry != NULL) {
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
