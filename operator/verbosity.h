/*
 * Changes the log level while the process runs: a file contains the level, and is read again every few
 * seconds. In a cluster it is a mounted ConfigMap. While the file is missing or invalid, the level does not
 * change, and the problem is logged once. Borrows loop and path.
 */
#ifndef VERBOSITY_H
#define VERBOSITY_H

#include "base/attr.h"

struct loop;
struct verbosity;

/* Reads the file at once. */
struct verbosity *verbosity_new(struct loop *loop, const char *path) MUST_CHECK RETURNS_NONNULL;
void verbosity_free(struct verbosity *v); /* NULL is fine */

#endif
