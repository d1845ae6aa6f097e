#include "volume/listing.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#include "base/banned.h"

void (*version_on_free)(void *object);

struct version *version_new(const char *path)
{
    struct version *v = xcalloc(1, sizeof(*v));
    v->references = 1;
    v->path = xstrdup(path);
    return v;
}

struct version *version_share(struct version *v)
{
    if (v != NULL)
        v->references++;
    return v;
}

void version_release(struct version *v)
{
    if (v == NULL || --v->references > 0)
        return;
    if (v->object != NULL && version_on_free != NULL)
        version_on_free(v->object);
    free(v->path);
    free(v);
}

void version_is_overwritten(struct version *v)
{
    v->is_open = false;
    version_leaves(v);
}

void version_leaves(struct version *v)
{
    if (v->state == VERSION_UNREAD && !v->is_open)
        v->state = VERSION_LOST;
    free(v->path);
    v->path = NULL;
}

struct listing *listing_new(bool is_declared, const char *name)
{
    struct listing *l = xcalloc(1, sizeof(*l));
    l->is_declared = is_declared;
    l->name = xstrdup(name);
    l->read_ms = -1;
    return l;
}

static void item_fini(struct listed *item)
{
    free(item->path);
    free(item->entry);
    version_release(item->version);
    version_release(item->fallback);
}

void listing_free(struct listing *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < l->count; i++)
        item_fini(&l->items[i]);
    free(l->items);
    free(l->name);
    free(l);
}

void listing_add(struct listing *l, const char *path, struct version *v, struct version *fallback,
                 const char *entry)
{
    if (l->count == l->room) {
        l->room = 2 * l->room + 16;
        l->items = xreallocarray(l->items, l->room, sizeof(*l->items));
    }
    l->items[l->count++] = (struct listed){.path = xstrdup(path),
                                           .version = version_share(v),
                                           .fallback = version_share(fallback),
                                           .entry = entry == NULL ? NULL : xstrdup(entry)};
}

static int compare_items(const void *a, const void *b)
{
    return strcmp(((const struct listed *)a)->path, ((const struct listed *)b)->path);
}

void listing_sort(struct listing *l)
{
    if (l->count > 0)
        qsort(l->items, l->count, sizeof(*l->items), compare_items);
}

void listing_remove(struct listing *l, size_t index)
{
    item_fini(&l->items[index]);
    l->count--;
    memmove(&l->items[index], &l->items[index + 1], (l->count - index) * sizeof(*l->items));
}

void listing_remove_entry(struct listing *l, const char *entry)
{
    for (size_t i = l->count; i-- > 0;)
        if (l->items[i].entry != NULL && strcmp(l->items[i].entry, entry) == 0)
            listing_remove(l, i);
}

static bool is_before(const struct version *a, const struct version *b)
{
    return a->is_renewed != b->is_renewed ? a->is_renewed : a->serial < b->serial;
}

struct version *listing_unread(const struct listing *l)
{
    struct version *first = NULL;
    for (size_t i = 0; i < l->count; i++) {
        struct version *v = l->items[i].version;
        if (v->state == VERSION_UNREAD && (first == NULL || is_before(v, first)))
            first = v;
    }
    return first;
}
