#include "checkpoint/retention.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "volume/path_names.h"

#include "base/banned.h"

void series_fini(struct series *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->list[i].name);
        free(s->list[i].pattern);
    }
    free(s->list);
    *s = (struct series){.list = NULL};
}

void series_add(struct series *s, const char *name, const struct series_name *facts)
{
    if (s->count > 0 && strcmp(s->list[s->count - 1].name, name) == 0) {
        struct series_name *same = &s->list[s->count - 1];
        if (facts->modified_ns > same->modified_ns)
            same->modified_ns = facts->modified_ns;
        same->may_leave = same->may_leave && facts->may_leave;
        return;
    }
    if (s->count == s->room) {
        s->room = 2 * s->room + 64;
        s->list = xreallocarray(s->list, s->room, sizeof(*s->list));
    }
    s->list[s->count] = *facts;
    s->list[s->count].name = xstrdup(name);
    s->list[s->count++].pattern = path_pattern(name);
}

/* The newer one first. */
static int compare_age(const struct series_name *a, const struct series_name *b)
{
    int order = lineage_compare(b->since, a->since);
    if (order != 0)
        return order;
    return a->modified_ns == b->modified_ns ? 0 : a->modified_ns > b->modified_ns ? -1 : 1;
}

/* Names of one series side by side, the newest first. */
static int compare_series(const void *a, const void *b)
{
    const struct series_name *x = a, *y = b;
    int order = strcmp(x->pattern, y->pattern);
    return order != 0 ? order : compare_age(x, y);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct series_name *)a)->name, ((const struct series_name *)b)->name);
}

static int compare_to_name(const void *name, const void *b)
{
    return strcmp(name, ((const struct series_name *)b)->name);
}

/* What became a checkpoint in one snapshot is of one age. */
static size_t end_of_age(const struct series *s, size_t at)
{
    size_t end = at + 1;
    while (end < s->count && compare_series(&s->list[at], &s->list[end]) == 0)
        end++;
    return end;
}

void series_choose(struct series *s, unsigned keep)
{
    size_t newer = 0, newer_declared = 0;
    if (s->count == 0)
        return;
    qsort(s->list, s->count, sizeof(*s->list), compare_series);
    for (size_t at = 0, end; at < s->count; at = end) {
        if (at == 0 || strcmp(s->list[at].pattern, s->list[at - 1].pattern) != 0)
            newer = newer_declared = 0;
        end = end_of_age(s, at);
        for (size_t i = at; i < end; i++) {
            struct series_name *n = &s->list[i];
            n->leaves = n->may_leave && (n->is_declared ? newer_declared : newer) >= keep;
        }
        for (size_t i = at; i < end; i++)
            newer_declared += s->list[i].is_declared;
        newer += end - at;
    }
    qsort(s->list, s->count, sizeof(*s->list), compare_names);
}

struct series_name *series_find(const struct series *s, const char *name)
{
    return s->count == 0 ? NULL : bsearch(name, s->list, s->count, sizeof(*s->list), compare_to_name);
}

struct series_name *series_oldest_leaving(const struct series *s)
{
    struct series_name *oldest = NULL;
    for (size_t i = 0; i < s->count; i++)
        if (s->list[i].leaves && (oldest == NULL || compare_age(&s->list[i], oldest) > 0))
            oldest = &s->list[i];
    return oldest;
}
