#include "history.h"

#include <stdio.h>
#include <string.h>

#include "volume/path_names.h"

#include "base/banned.h"

static bool is_within(const char *path, const char *root)
{
    return strcmp(path, root) == 0 || path_is_below(path, root);
}

/* What is at that path, and below it, is gone with that act. */
static void end_lives(struct history *h, const char *root, size_t act)
{
    for (size_t i = 0; i < h->count; i++)
        if (h->lives[i].died == STILL_THERE && is_within(h->lives[i].path, root))
            h->lives[i].died = act;
}

static void begin_life(struct history *h, const char *path, size_t act, size_t origin)
{
    struct life *l = &h->lives[h->count++];
    *l = (struct life){.born = act, .died = STILL_THERE, .origin = origin};
    (void)snprintf(l->path, sizeof(l->path), "%s", path);
}

static void move_lives(struct history *h, const struct act *a, size_t act)
{
    size_t before = h->count;
    end_lives(h, a->to, act);
    for (size_t i = 0; i < before; i++) {
        struct life *l = &h->lives[i];
        if (l->died != STILL_THERE || !is_within(l->path, a->path))
            continue;
        char path[2 * PATH_SIZE];
        (void)snprintf(path, sizeof(path), "%s%s", a->to, l->path + strlen(a->path));
        l->died = act;
        begin_life(h, path, act, l->origin);
    }
}

static void end_life(struct history *h, const char *path, size_t act)
{
    for (size_t i = 0; i < h->count; i++)
        if (h->lives[i].died == STILL_THERE && strcmp(h->lives[i].path, path) == 0)
            h->lives[i].died = act;
}

void history_make(struct history *h, const struct program *p)
{
    h->count = 0;
    for (size_t i = 0; i < p->count; i++) {
        const struct act *a = &p->acts[i];
        switch (a->kind) {
        case CHANGE_WRITTEN: end_life(h, a->path, i); break;
        case CHANGE_CLOSED: begin_life(h, a->path, i, i); break;
        case CHANGE_MOVED: move_lives(h, a, i); break;
        case CHANGE_DELETED: end_lives(h, a->path, i); break;
        case CHANGE_NAMED: break;
        }
    }
}

const struct life *history_at(const struct history *h, const char *path, size_t acts)
{
    for (size_t i = h->count; i-- > 0;) {
        const struct life *l = &h->lives[i];
        if (l->born < acts && acts <= l->died && strcmp(l->path, path) == 0)
            return l;
    }
    return NULL;
}

const struct life *history_of(const struct history *h, const char *path, size_t origin)
{
    for (size_t i = h->count; i-- > 0;)
        if (h->lives[i].origin == origin && strcmp(h->lives[i].path, path) == 0)
            return &h->lives[i];
    return NULL;
}
