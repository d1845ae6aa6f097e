/*
 * What waits, by namespace. Those that have something waiting take turns, each in the order in which it came,
 * so that nobody waits behind another's crowd. Room is shared likewise: a namespace may have as many waiting
 * as there is room left. One alone gets half of the room, two get a third each, and the first of a namespace
 * that was quiet finds room however much the others want. Owns what waits until it is taken.
 */
#ifndef EVENTS_TURNS_H
#define EVENTS_TURNS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct turns;

/* For at most room items, which are freed with free_item. */
struct turns *turns_new(size_t room, void (*free_item)(void *item)) MUST_CHECK RETURNS_NONNULL;
void turns_free(struct turns *t); /* NULL is fine */

size_t turns_count(const struct turns *t);
/* False when there is no room for one more of this namespace; item is the caller's then. */
bool turns_put(struct turns *t, const char *ns, void *item) MUST_CHECK;
/* The item whose turn it is, which the caller now owns; NULL when none waits. */
void *turns_take(struct turns *t) MUST_CHECK;

#endif
