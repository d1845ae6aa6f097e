/*
 * What a person at the command line does about an error. The table of base/err.def
 * speaks of jobs and their service accounts; here it is the caller's own account,
 * credentials and disk.
 */
#ifndef CLIENT_ADVICE_H
#define CLIENT_ADVICE_H

#include "base/attr.h"
#include "base/err.h"

/* The whole error and what to do, as one line. The caller frees it. */
char *advice_sentence(const struct err *e) MUST_CHECK RETURNS_NONNULL;

#endif
