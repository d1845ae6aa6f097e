/*
 * A bounded queue that is fair between namespaces, so that no namespace can delay or displace the items of
 * another. Namespaces with queued items take turns; within one, items keep their order. A namespace may queue
 * as many items as there is free capacity: one alone gets half of the capacity, two get a third each, and the
 * first item of a namespace always finds room while any is left. Owns the items until they are taken.
 */
#ifndef EVENTS_FAIR_QUEUE_H
#define EVENTS_FAIR_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct fair_queue;

/* For at most capacity items, which are freed with free_item. */
struct fair_queue *fair_queue_new(size_t capacity, void (*free_item)(void *item)) MUST_CHECK RETURNS_NONNULL;
void fair_queue_free(struct fair_queue *q); /* NULL is fine */

size_t fair_queue_count(const struct fair_queue *q);
/* False when the namespace may not queue another item; the caller keeps it. */
bool fair_queue_put(struct fair_queue *q, const char *ns, void *item) MUST_CHECK;
/* The next item, which the caller owns from now on; NULL when the queue is empty. */
void *fair_queue_take(struct fair_queue *q) MUST_CHECK;

#endif
