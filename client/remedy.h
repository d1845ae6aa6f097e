/*
 * Remedies for errors at the command line. Those in agentapi/failures.def are about
 * jobs and their service accounts; here it is about the user's own account, credentials and
 * disk. Nothing here fails.
 */
#ifndef CLIENT_REMEDY_H
#define CLIENT_REMEDY_H

#include "base/attr.h"
#include "base/err.h"

/* Completes "To go on, ..."; "" for ERR_NONE. Constant text. */
const char *remedy_of(enum err_code code) MUST_CHECK RETURNS_NONNULL;

#endif
