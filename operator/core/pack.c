#include "core/pack.h"

#include <string.h>

#include "base/alloc.h"

#include "base/banned.h"

static const char **member_at(void *block, size_t offset)
{
    return (void *)((char *)block + offset);
}

static size_t stored_size(const char *text)
{
    return text && *text ? strlen(text) + 1 : 0;
}

void *pack_block(const void *from, size_t size, const size_t *offsets, size_t count)
{
    size_t total = size;
    char *probe CLEANUP(cleanup_free) = xmalloc(size);
    memcpy(probe, from, size);
    for (size_t i = 0; i < count; i++)
        total += stored_size(*member_at(probe, offsets[i]));

    char *block = xmalloc(total);
    memcpy(block, from, size);
    char *free_space = block + size;
    for (size_t i = 0; i < count; i++) {
        const char **member = member_at(block, offsets[i]);
        size_t n = stored_size(*member);
        if (n == 0) {
            *member = "";
            continue;
        }
        memcpy(free_space, *member, n);
        *member = free_space;
        free_space += n;
    }
    return block;
}
