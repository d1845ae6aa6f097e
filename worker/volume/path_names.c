#include "volume/path_names.h"

#include <ctype.h>
#include <string.h>

#include "base/alloc.h"
#include "base/view.h"

#include "base/banned.h"

#define MARKER ".metadata"

enum { STEP_DIGITS_MAX = 18 };

static bool is_temporary_name(struct view name)
{
    static const char *const SUFFIXES[] = {".tmp", ".temp", ".part", ".incomplete", "~"};
    if (view_equal_text(name, MARKER))
        return false;
    if (view_has_prefix(name, ".") || view_has_prefix(name, "tmp-") ||
        memmem(name.ptr, name.len, ".orbax-checkpoint-tmp", strlen(".orbax-checkpoint-tmp")) != NULL)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(SUFFIXES); i++)
        if (view_has_suffix(name, SUFFIXES[i]))
            return true;
    return false;
}

bool path_is_temporary(const char *path)
{
    for (struct view rest = view_from(path); rest.len > 0;)
        if (is_temporary_name(view_cut(rest, '/', &rest)))
            return true;
    return false;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

bool path_is_marker(const char *path)
{
    return strcmp(last_part(path), MARKER) == 0;
}

bool path_is_below(const char *path, const char *directory)
{
    size_t length = strlen(directory);
    return length == 0 || (strncmp(path, directory, length) == 0 && path[length] == '/');
}

bool path_is_at_or_below(const char *path, const char *directory)
{
    return strcmp(path, directory) == 0 || path_is_below(path, directory);
}

int64_t path_step(const char *path)
{
    const char *name = last_part(path);
    size_t stem = strcspn(name, "."), first = stem;
    int64_t step = 0;
    if (stem == 0)
        stem = first = strlen(name);
    while (first > 0 && stem - first < STEP_DIGITS_MAX && isdigit((unsigned char)name[first - 1]))
        first--;
    for (size_t i = first; i < stem; i++)
        step = step * 10 + (name[i] - '0');
    return first == stem ? -1 : step;
}

char *path_pattern(const char *path)
{
    char *pattern = xmalloc(strlen(path) + 1), *to = pattern;
    while (*path != '\0') {
        size_t digits = strspn(path, "0123456789");
        *to++ = digits > 0 ? '#' : *path;
        path += digits > 0 ? digits : 1;
    }
    *to = '\0';
    return pattern;
}
