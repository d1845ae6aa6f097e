#include "shell/events/fair_queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#include "base/banned.h"

struct queued {
    struct queued *next;
    void *item;
};

/* The queued items of one namespace; never empty. */
struct flow {
    struct flow *next;
    char *ns;
    struct queued *first, **last;
    size_t count;
};

struct fair_queue {
    struct flow *first, **last; /* in the order in which they are served */
    size_t count, capacity;
    void (*free_item)(void *item);
};

struct fair_queue *fair_queue_new(size_t capacity, void (*free_item)(void *item))
{
    struct fair_queue *q = xcalloc(1, sizeof(*q));
    q->last = &q->first;
    q->capacity = capacity;
    q->free_item = free_item;
    return q;
}

void fair_queue_free(struct fair_queue *q)
{
    void *item;
    if (q == NULL)
        return;
    while ((item = fair_queue_take(q)) != NULL)
        q->free_item(item);
    free(q);
}

size_t fair_queue_count(const struct fair_queue *q)
{
    return q->count;
}

static void append(struct fair_queue *q, struct flow *flow)
{
    flow->next = NULL;
    *q->last = flow;
    q->last = &flow->next;
}

static struct flow *find(const struct fair_queue *q, const char *ns)
{
    struct flow *flow = q->first;
    while (flow != NULL && strcmp(flow->ns, ns) != 0)
        flow = flow->next;
    return flow;
}

static struct flow *add(struct fair_queue *q, const char *ns)
{
    struct flow *flow = xcalloc(1, sizeof(*flow));
    flow->ns = xstrdup(ns);
    flow->last = &flow->first;
    append(q, flow);
    return flow;
}

bool fair_queue_put(struct fair_queue *q, const char *ns, void *item)
{
    struct flow *flow = find(q, ns);
    if ((flow == NULL ? 0 : flow->count) >= q->capacity - q->count)
        return false;
    if (flow == NULL)
        flow = add(q, ns);
    struct queued *e = xcalloc(1, sizeof(*e));
    e->item = item;
    *flow->last = e;
    flow->last = &e->next;
    flow->count++;
    q->count++;
    return true;
}

void *fair_queue_take(struct fair_queue *q)
{
    struct flow *flow = q->first;
    if (flow == NULL)
        return NULL;
    struct queued *e = flow->first;
    void *item = e->item;
    flow->first = e->next;
    flow->count--;
    q->count--;
    free(e);

    q->first = flow->next;
    if (q->first == NULL)
        q->last = &q->first;
    if (flow->first != NULL) {
        append(q, flow);
    } else {
        free(flow->ns);
        free(flow);
    }
    return item;
}
