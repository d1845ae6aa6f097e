/*
 * What agents posted last, one entry a pod: memory of this process only. A new
 * process starts empty and hears from every agent within a minute. Owned by the
 * controller; nothing here fails.
 */
#ifndef CACHE_POSTS_H
#define CACHE_POSTS_H

#include "core/model/world.h"

struct posts;

struct posts *posts_new(void) MUST_CHECK RETURNS_NONNULL;
void posts_free(struct posts *p); /* NULL is fine */
/* Takes the facts over. False when the pod had said the same before. */
bool posts_put(struct posts *p, struct posted_facts *facts);
/* The pod is gone, or its job has ended. */
void posts_forget(struct posts *p, const char *pod_uid);
/* Of those pods, in the order that world.h asks for, in an array in the arena. */
const struct posted_facts *const *posts_of(const struct posts *p, const struct pod_facts *const *pods,
                                           size_t pod_count, struct arena *a, size_t *ret_count);

#endif
