/*
 * Objects to facts, in the form that informers call. Internal to operator/shell/caches.
 */
#ifndef SHELL_CACHES_INT_H
#define SHELL_CACHES_INT_H

#include <jansson.h>

void *reduce_job(const json_t *object, const void *previous);
void *reduce_pod(const json_t *object, const void *previous);
void *reduce_service(const json_t *object, const void *previous);
void *reduce_policy(const json_t *object, const void *previous);
void *reduce_node(const json_t *object, const void *previous);
void *reduce_namespace(const json_t *object, const void *previous);

#endif
