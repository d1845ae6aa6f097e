/*
 * Changes on their way from the watcher's thread to the work thread, in their order, with the time of each.
 *
 * The queue copies paths. Functions may be called on any thread; nothing fails.
 */
#ifndef AGENT_CHANGE_QUEUE_H
#define AGENT_CHANGE_QUEUE_H

#include "base/attr.h"
#include "base/err.h"
#include "volume/volume.h"

struct change_queue;

struct change_queue *change_queue_new(void) MUST_CHECK RETURNS_NONNULL;
void change_queue_free(struct change_queue *q); /* NULL is fine */
/* to: of a move, else NULL. */
void change_queue_add(struct change_queue *q, enum change_kind kind, const char *path, const char *to,
                      bool is_directory);
/* Something could not be watched. Takes *e; the first failure since it was said last stays. */
void change_queue_fail(struct change_queue *q, struct err *e);
/* Takes everything out and calls fn for each change. -1 when there was a failure, which *e then has. */
int change_queue_drain(struct change_queue *q, void (*fn)(void *context, const struct change *c),
                       void *context, struct err *e) MUST_CHECK;

#endif
