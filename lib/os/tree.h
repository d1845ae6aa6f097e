/*
 * Removes directory trees with untrusted content: never leaves the given directory and
 * never follows a link. Blocking. Errors are those of errno, with the name, and
 * ERR_TOO_LARGE for a tree that is too deep. Entries that disappear meanwhile are no
 * error.
 */
#ifndef OS_TREE_H
#define OS_TREE_H

#include "base/attr.h"
#include "base/err.h"

/* Removes the entry of that name in the directory, like rm -rf. */
int tree_remove(int directory_fd, const char *name, struct err *e) MUST_CHECK;
/* Removes the content of the directory but not itself, which may be a mount. */
int tree_empty(const char *directory, struct err *e) MUST_CHECK;

#endif
