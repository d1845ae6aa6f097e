/*
 * The log level, changed while the process runs: a file holds the word, and is read again and again. In a
 * cluster it is a mounted ConfigMap. As long as the file is missing or holds no level, the level stays as it
 * is, and the log says so once. Borrows loop and path.
 */
#ifndef VERBOSITY_H
#define VERBOSITY_H

#include "base/attr.h"

struct loop;
struct verbosity;

/* Reads it at once. */
struct verbosity *verbosity_new(struct loop *loop, const char *path) MUST_CHECK RETURNS_NONNULL;
void verbosity_free(struct verbosity *v); /* NULL is fine */

#endif
