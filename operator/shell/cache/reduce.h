/*
 * Objects to facts: what informers call for each object that they list or watch. The result is one heap
 * block, NULL for what cannot be decoded. previous: the facts of the object before, or NULL. Internal to this
 * folder.
 */
#ifndef CACHE_REDUCE_H
#define CACHE_REDUCE_H

#include "base/view.h"

void *reduce_job(struct view object, const void *previous);
void *reduce_pod(struct view object, const void *previous);
void *reduce_service(struct view object, const void *previous);
void *reduce_policy(struct view object, const void *previous);
void *reduce_node(struct view object, const void *previous);
void *reduce_namespace(struct view object, const void *previous);

#endif
