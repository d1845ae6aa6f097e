/*
 * Objects to facts, in the form that informers call. Internal to operator/shell/caches.
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
