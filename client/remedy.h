/*
 * Remedies for errors at the command line. Those in base/err.def are about jobs and
 * their service accounts; here it is about the user's own account, credentials and
 * disk. Nothing here fails.
 */
#ifndef CLIENT_REMEDY_H
#define CLIENT_REMEDY_H

#include "base/attr.h"
#include "base/err.h"

/* The error with its causes and its remedy, as one line. The caller frees it. */
char *remedy_sentence(const struct err *e) MUST_CHECK RETURNS_NONNULL;

#endif
