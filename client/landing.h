/*
 * A directory that comes into being whole or not at all: files are put into a
 * temporary one beside it, which is renamed at the end and removed when something
 * goes wrong or the program is ended by SIGINT, SIGTERM or SIGHUP.
 *
 * One at a time in a process. landing_make blocks those signals in the calling
 * thread, and thereby in all that it starts later; a thread of its own takes them.
 * Fails with ERR_ALREADY_EXISTS when the target is there and is not an empty
 * directory, else with errors of the file system.
 */
#ifndef CLIENT_LANDING_H
#define CLIENT_LANDING_H

#include "base/attr.h"
#include "base/err.h"

struct landing {
    char *target;
    char *temporary; /* where to put things; NULL once committed */
};

int landing_make(const char *target, struct landing *ret, struct err *e) MUST_CHECK;
int landing_commit(struct landing *l, struct err *e) MUST_CHECK;
/* Removes what was not committed. */
void landing_fini(struct landing *l);

#endif
