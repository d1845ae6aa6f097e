/*
 * Resource versions. Since Kubernetes 1.35 they may be compared (KEP-5504), and
 * every older API server on etcd gave numbers, too. Compare versions of one
 * resource type only. Pure; cannot fail.
 */
#ifndef KOBJ_VERSION_H
#define KOBJ_VERSION_H

#include <stdbool.h>

/* True when `a` is the same as or newer than `b`. A text that is no version is as old as can be. */
bool version_is_at_least(const char *a, const char *b);

#endif
