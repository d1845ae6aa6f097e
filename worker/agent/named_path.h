/*
 * PATH of a line checkpoint=PATH in $CLOISTER_PROGRESS, as the program wrote it. Pure; nothing fails.
 */
#ifndef AGENT_NAMED_PATH_H
#define AGENT_NAMED_PATH_H

#include <stdbool.h>

#include "base/attr.h"

/* False: it is outside of the checkpoint directory. *ret is relative to it, without empty parts and "."; the
 * caller frees it. */
bool named_path_clean(const char *path, char **ret) MUST_CHECK;

#endif
