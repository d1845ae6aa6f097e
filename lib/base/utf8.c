#include "base/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/banned.h"

/* Is second valid after first in a multi-byte character? Overlong forms and surrogates are not. */
static bool is_second(uint8_t first, uint8_t second)
{
    uint8_t least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    return second >= least && second <= most;
}

size_t utf8_length(struct view text)
{
    const uint8_t *at = (const uint8_t *)text.ptr;
    if (text.len == 0)
        return 0;
    if (at[0] < 0x80)
        return 1;
    if (at[0] < 0xc2 || at[0] > 0xf4)
        return 0;
    size_t length = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (text.len < length || !is_second(at[0], at[1]))
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

bool utf8_is_valid(const char *text)
{
    size_t length;
    for (struct view rest = view_from(text); rest.len > 0; rest = view_skip(rest, length))
        if ((length = utf8_length(rest)) == 0)
            return false;
    return true;
}

size_t utf8_clip(const char *text, size_t max)
{
    size_t length = strnlen(text, max);
    if (length == max)
        while (length > 0 && ((uint8_t)text[length] & 0xc0) == 0x80)
            length--;
    return length;
}

void utf8_sanitize(char *text)
{
    size_t all = strlen(text), length;
    for (size_t at = 0; at < all; at += length) {
        uint8_t first = (uint8_t)text[at];
        bool is_space = first >= '\t' && first <= '\r';
        length = utf8_length(view_of(text + at, all - at));
        if (length > 1 && !(first == 0xc2 && (uint8_t)text[at + 1] < 0xa0))
            continue;
        if (length == 0)
            length = 1;
        if (length > 1 || first < 0x20 || first >= 0x7f)
            memset(text + at, is_space ? ' ' : '?', length);
    }
}
