/*
 * Directory trees that somebody else may have filled: removed whole, beneath a
 * directory and without following links. Blocking; errors are those of errno,
 * with the name. What disappears meanwhile is no error.
 */
#ifndef OS_TREE_H
#define OS_TREE_H

#include "base/attr.h"
#include "base/err.h"

/* rm -rf NAME in the directory. */
int tree_remove(int directory_fd, const char *name, struct err *e) MUST_CHECK;
/* What lies in the directory, not itself: it may be a mount. */
int tree_empty(const char *directory, struct err *e) MUST_CHECK;

#endif
