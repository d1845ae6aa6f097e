/*
 * What waits, by namespace. Those that have something waiting take turns, each in the order in which it came,
 * so that nobody waits behind another's crowd. Room is shared likewise: a namespace may have as many waiting
 * as there is room left. One alone gets half of the room, two get a third each, and the first of a namespace
 * that was quiet finds room however much the others want. Owns what waits until it is taken.
 */
#ifndef EVENTS_FAIR_QUEUE_H
#define EVENTS_FAIR_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct fair_queue;

/* For at most room items, which are freed with free_item. */
struct fair_queue *fair_queue_new(size_t room, void (*free_item)(void *item)) MUST_CHECK RETURNS_NONNULL;
void fair_queue_free(struct fair_queue *t); /* NULL is fine */

size_t fair_queue_count(const struct fair_queue *t);
/* False when there is no room for one more of this namespace; item is the caller's then. */
bool fair_queue_put(struct fair_queue *t, const char *ns, void *item) MUST_CHECK;
/* The item whose turn it is, which the caller now owns; NULL when none waits. */
void *fair_queue_take(struct fair_queue *t) MUST_CHECK;

#endif
