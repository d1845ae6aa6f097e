/*
 * Finds the files to encrypt: those named by the arguments and those below the
 * directories named by them, each with its path in the bucket. The walk is complete
 * before the first byte is written, so that a file that cannot be encrypted is
 * reported before anything is uploaded.
 *
 * A walk owns its texts but borrows the arguments. Symbolic links are followed only
 * when an argument is one. Fails with ERR_INVALID for an entry that is neither file
 * nor directory, for a name that a bucket or a job cannot have and for two files with
 * the same path; and with errors of the file system.
 */
#ifndef CLIENT_FILE_WALK_H
#define CLIENT_FILE_WALK_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct walked_file {
    const char *argument; /* borrowed */
    char *below;          /* path below the argument if that is a directory, else NULL */
    char *path;           /* in the bucket, relative to the target */
};

struct file_walk {
    struct walked_file *files; /* sorted by path */
    size_t count;
};

int file_walk_make(char *const *arguments, size_t count, struct file_walk *ret, struct err *e) MUST_CHECK;
void file_walk_fini(struct file_walk *w);
/* Opens one of the files for reading; returns its descriptor, or -1 with *e set. */
int file_walk_open(const struct walked_file *f, uint64_t *ret_size, struct err *e) MUST_CHECK;

#endif
