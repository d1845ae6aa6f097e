/*
 * What there is to encrypt: the files that the arguments name, and those in the
 * directories that they name, with the paths that they get in the bucket. Made
 * whole before the first byte is written, so that what cannot be encrypted is an
 * error before, not half-way.
 *
 * A survey owns its texts but not the arguments, which must outlive it. Links
 * are only followed where an argument is one. Fails with ERR_INVALID for what is
 * neither file nor directory, for names that the bucket or a job cannot have and
 * for two files of one path, and with errors of opening.
 */
#ifndef CLIENT_SURVEY_H
#define CLIENT_SURVEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct survey_file {
    const char *argument; /* borrowed */
    char *below;          /* path below it when it is a directory, else NULL */
    char *path;           /* in the bucket, below the target */
};

struct survey {
    struct survey_file *files; /* sorted by path */
    size_t count;
};

int survey_make(char *const *arguments, size_t count, struct survey *ret, struct err *e) MUST_CHECK;
void survey_fini(struct survey *s);
/* Opens one of them for reading; -1 with *e set. */
int survey_open(const struct survey_file *f, uint64_t *ret_size, struct err *e) MUST_CHECK;

#endif
