/*
 * A struct with borrowed strings as one heap block that owns them: what caches
 * hold. Freed with free().
 */
#ifndef BASE_PACK_H
#define BASE_PACK_H

#include <stddef.h>

#include "base/attr.h"

/*
 * Copies `size` bytes of `from` and the strings whose members (const char *) stand at the offsets. NULL
 * becomes "". Equal texts are kept once; the block is exactly as long as it must be.
 */
void *pack_block(const void *from, size_t size, const size_t *offsets,
                 size_t count) MUST_CHECK RETURNS_NONNULL;

#endif
