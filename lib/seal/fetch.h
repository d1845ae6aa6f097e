/*
 * Parallel download of a set into a directory: one thread for each connection,
 * each with one segment buffer. The first failure ends all of them. After a
 * failure some files may exist in part, so the directory must not be used.
 */
#ifndef SEAL_FETCH_H
#define SEAL_FETCH_H

#include "seal/set.h"

/* The directory exists. connections: 1 to 64. c is not used for the transfers, only copied from. Errors:
 * those of seal/object_read.h. */
int seal_fetch(const struct seal_context *c, const struct seal_set *set, const char *directory,
               unsigned connections, struct err *e) MUST_CHECK;

#endif
