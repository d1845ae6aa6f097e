/*
 * Creates a directory atomically: files are written to a temporary directory next to
 * it, which is renamed when complete. It is removed on failure, and when the program
 * is ended by SIGINT, SIGTERM or SIGHUP.
 *
 * One at a time per process. atomic_directory_make blocks those signals in the calling thread,
 * and hence in all threads that it starts later; a separate thread handles them.
 * Fails with ERR_ALREADY_EXISTS when the target exists and is not an empty directory,
 * otherwise with errors of the file system.
 */
#ifndef CLIENT_ATOMIC_DIRECTORY_H
#define CLIENT_ATOMIC_DIRECTORY_H

#include "base/attr.h"
#include "base/err.h"

struct atomic_directory {
    char *target;
    char *temporary; /* where to write the files; NULL once committed */
};

int atomic_directory_make(const char *target, struct atomic_directory *ret, struct err *e) MUST_CHECK;
int atomic_directory_commit(struct atomic_directory *d, struct err *e) MUST_CHECK;
/* Removes the temporary directory unless it was committed. */
void atomic_directory_fini(struct atomic_directory *d);

#endif
