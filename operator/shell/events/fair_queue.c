#include "shell/events/fair_queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#include "base/banned.h"

struct waiting {
    struct waiting *next;
    void *item;
};

/* What one namespace has waiting, which is never nothing. */
struct lane {
    struct lane *next;
    char *ns;
    struct waiting *first, **last;
    size_t count;
};

struct fair_queue {
    struct lane *first, **last; /* in the order of their turns */
    size_t count, room;
    void (*free_item)(void *item);
};

struct fair_queue *fair_queue_new(size_t room, void (*free_item)(void *item))
{
    struct fair_queue *t = xcalloc(1, sizeof(*t));
    t->last = &t->first;
    t->room = room;
    t->free_item = free_item;
    return t;
}

void fair_queue_free(struct fair_queue *t)
{
    void *item;
    if (t == NULL)
        return;
    while ((item = fair_queue_take(t)) != NULL)
        t->free_item(item);
    free(t);
}

size_t fair_queue_count(const struct fair_queue *t)
{
    return t->count;
}

static void append(struct fair_queue *t, struct lane *lane)
{
    lane->next = NULL;
    *t->last = lane;
    t->last = &lane->next;
}

static struct lane *find(const struct fair_queue *t, const char *ns)
{
    struct lane *lane = t->first;
    while (lane != NULL && strcmp(lane->ns, ns) != 0)
        lane = lane->next;
    return lane;
}

static struct lane *add(struct fair_queue *t, const char *ns)
{
    struct lane *lane = xcalloc(1, sizeof(*lane));
    lane->ns = xstrdup(ns);
    lane->last = &lane->first;
    append(t, lane);
    return lane;
}

bool fair_queue_put(struct fair_queue *t, const char *ns, void *item)
{
    struct lane *lane = find(t, ns);
    if ((lane == NULL ? 0 : lane->count) >= t->room - t->count)
        return false;
    if (lane == NULL)
        lane = add(t, ns);
    struct waiting *w = xcalloc(1, sizeof(*w));
    w->item = item;
    *lane->last = w;
    lane->last = &w->next;
    lane->count++;
    t->count++;
    return true;
}

void *fair_queue_take(struct fair_queue *t)
{
    struct lane *lane = t->first;
    if (lane == NULL)
        return NULL;
    struct waiting *w = lane->first;
    void *item = w->item;
    lane->first = w->next;
    lane->count--;
    t->count--;
    free(w);

    t->first = lane->next;
    if (t->first == NULL)
        t->last = &t->first;
    if (lane->first != NULL) {
        append(t, lane);
    } else {
        free(lane->ns);
        free(lane);
    }
    return item;
}
