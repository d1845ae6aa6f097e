#include "agent/watch_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "volume/path_names.h"

#include "base/banned.h"

void watch_list_fini(struct watch_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->items[i].path);
    free(l->items);
    *l = (struct watch_list){.items = NULL};
}

static struct watched_directory *find(const struct watch_list *l, int wd)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i].wd == wd)
            return &l->items[i];
    return NULL;
}

const char *watch_list_path(const struct watch_list *l, int wd)
{
    const struct watched_directory *d = find(l, wd);
    return d == NULL ? NULL : d->path;
}

int watch_list_find(const struct watch_list *l, const char *path)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->items[i].path, path) == 0)
            return l->items[i].wd;
    return -1;
}

int watch_list_find_below(const struct watch_list *l, const char *path)
{
    for (size_t i = 0; i < l->count; i++)
        if (path_is_at_or_below(l->items[i].path, path))
            return l->items[i].wd;
    return -1;
}

bool watch_list_add(struct watch_list *l, int wd, const char *path)
{
    if (find(l, wd) != NULL)
        return false;
    l->items = xreallocarray(l->items, l->count + 1, sizeof(*l->items));
    l->items[l->count++] = (struct watched_directory){wd, xstrdup(path)};
    return true;
}

void watch_list_remove(struct watch_list *l, int wd)
{
    struct watched_directory *d = find(l, wd);
    if (d == NULL)
        return;
    free(d->path);
    *d = l->items[--l->count];
}

void watch_list_rename(struct watch_list *l, const char *from, const char *to)
{
    size_t length = strlen(from);
    for (size_t i = 0; i < l->count; i++) {
        struct watched_directory *d = &l->items[i];
        if (!path_is_at_or_below(d->path, from))
            continue;
        char *path = xasprintf("%s%s", to, d->path + length);
        free(d->path);
        d->path = path;
    }
}
