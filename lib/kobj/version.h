/*
 * Comparison of resource versions. Kubernetes 1.35 made them comparable (KEP-5504), and
 * every older API server with etcd uses numbers as well. Compare only versions of the
 * same resource type. Pure; nothing fails.
 */
#ifndef KOBJ_VERSION_H
#define KOBJ_VERSION_H

#include <stdbool.h>

/* True when `a` is equal to or newer than `b`. An invalid version is older than any valid one. */
bool version_is_at_least(const char *a, const char *b);

#endif
