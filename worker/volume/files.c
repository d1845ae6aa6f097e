#include "volume/files.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#include "base/banned.h"

void file_free(struct file *f)
{
    free(f->path);
    version_release(f->version);
    version_release(f->previous);
    free(f);
}

void files_fini(struct file_list *s)
{
    for (size_t i = 0; i < s->count; i++)
        file_free(s->list[i]);
    free(s->list);
    *s = (struct file_list){.list = NULL};
}

size_t files_find(const struct file_list *s, const char *path)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(s->list[middle]->path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct file *files_get(const struct file_list *s, const char *path)
{
    size_t at = files_find(s, path);
    return at < s->count && strcmp(s->list[at]->path, path) == 0 ? s->list[at] : NULL;
}

void files_insert(struct file_list *s, struct file *f)
{
    size_t at = files_find(s, f->path);
    if (s->count == s->room) {
        s->room = 2 * s->room + 16;
        s->list = xreallocarray(s->list, s->room, sizeof(struct file *));
    }
    memmove(&s->list[at + 1], &s->list[at], (s->count - at) * sizeof(struct file *));
    s->list[at] = f;
    s->count++;
}

struct file *files_at(struct file_list *s, const char *path)
{
    struct file *f = files_get(s, path);
    if (f == NULL) {
        f = xcalloc(1, sizeof(*f));
        f->path = xstrdup(path);
        files_insert(s, f);
    }
    return f;
}

struct file *files_take_out(struct file_list *s, size_t at)
{
    struct file *f = s->list[at];
    s->count--;
    memmove(&s->list[at], &s->list[at + 1], (s->count - at) * sizeof(struct file *));
    return f;
}

bool files_next_within(const struct file_list *s, const char *path, size_t *at)
{
    size_t length = strlen(path);
    for (; *at < s->count && strncmp(s->list[*at]->path, path, length) == 0; ++*at) {
        const char *rest = s->list[*at]->path + length;
        if (length == 0 || *rest == '\0' || *rest == '/')
            return true;
    }
    return false;
}

bool files_is_open_below(const struct file_list *s, const char *directory)
{
    for (size_t at = files_find(s, directory); files_next_within(s, directory, &at); at++)
        if (s->list[at]->is_open)
            return true;
    return false;
}
