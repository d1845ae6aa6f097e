/*
 * Copies a struct with borrowed strings into one heap block that contains the strings
 * as well, as caches keep them. The caller frees it with free(). Nothing here fails.
 */
#ifndef BASE_PACK_H
#define BASE_PACK_H

#include <stddef.h>

#include "base/attr.h"

/*
 * Copies `size` bytes of `from`, and the strings that its members (const char *) at the `count` offsets point
 * to. NULL becomes "". Equal strings are stored once, and the block has no unused bytes.
 */
void *pack_block(const void *from, size_t size, const size_t *offsets,
                 size_t count) MUST_CHECK RETURNS_NONNULL;

#endif
