/*
 * Creates a directory atomically: files are written to a temporary directory next to
 * it, which is renamed when complete. It is removed on failure, and when the program
 * is ended by SIGINT, SIGTERM or SIGHUP.
 *
 * One at a time per process. staging_make blocks those signals in the calling thread,
 * and hence in all threads that it starts later; a separate thread handles them.
 * Fails with ERR_ALREADY_EXISTS when the target exists and is not an empty directory,
 * otherwise with errors of the file system.
 */
#ifndef CLIENT_STAGING_H
#define CLIENT_STAGING_H

#include "base/attr.h"
#include "base/err.h"

struct staging {
    char *target;
    char *temporary; /* where to write the files; NULL once committed */
};

int staging_make(const char *target, struct staging *ret, struct err *e) MUST_CHECK;
int staging_commit(struct staging *s, struct err *e) MUST_CHECK;
/* Removes the temporary directory unless it was committed. */
void staging_fini(struct staging *s);

#endif
