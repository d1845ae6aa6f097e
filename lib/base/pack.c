#include "base/pack.h"

#include <string.h>

#include "base/alloc.h"

#include "base/banned.h"

static const char **member_at(void *block, size_t offset)
{
    return (void *)((char *)block + offset);
}

static size_t stored_size(const char *text)
{
    return text != NULL && *text != '\0' ? strlen(text) + 1 : 0;
}

/* Index of the first member with the same text as the one at index `at`; `at` itself when there is none. */
static size_t first_with_text(void *from, const size_t *offsets, size_t at)
{
    const char *text = *member_at(from, offsets[at]);
    size_t i = *text != '\0' ? 0 : at;
    while (i < at && strcmp(*member_at(from, offsets[i]), text) != 0)
        i++;
    return i;
}

void *pack_block(const void *from, size_t size, const size_t *offsets, size_t count)
{
    size_t total = size;
    char *probe CLEANUP(cleanup_free) = xmalloc(size);
    memcpy(probe, from, size);
    for (size_t i = 0; i < count; i++) {
        const char **member = member_at(probe, offsets[i]);
        *member = *member != NULL ? *member : "";
        if (first_with_text(probe, offsets, i) == i)
            total += stored_size(*member);
    }

    char *block = xmalloc(total);
    memcpy(block, from, size);
    char *free_space = block + size;
    for (size_t i = 0; i < count; i++) {
        const char *text = *member_at(probe, offsets[i]);
        size_t first = first_with_text(probe, offsets, i);
        size_t n = stored_size(text);
        if (n == 0) {
            *member_at(block, offsets[i]) = "";
        } else if (first < i) {
            *member_at(block, offsets[i]) = *member_at(block, offsets[first]);
        } else {
            memcpy(free_space, text, n);
            *member_at(block, offsets[i]) = free_space;
            free_space += n;
        }
    }
    return block;
}
