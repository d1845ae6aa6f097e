/* UTF-8 as RFC 3629 has it, read from bytes that may be anything. Pure. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

#include "base/view.h"

/* What Go and Python put in the place of a byte that belongs to no character. */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/* Bytes of the well-formed character that the text begins with; 0 when it begins with none. */
size_t utf8_length(struct view text);
/* Of a terminated text. */
bool utf8_is_valid(const char *text) MUST_CHECK;
/* Bytes of the longest start of a valid terminated text that has at most max bytes and ends between
 * characters. */
size_t utf8_clip(const char *text, size_t max) MUST_CHECK;
/* A terminated text, in place, for a line that people read: white space becomes spaces; controls, also those
 * that terminals take from U+0080 on, and bytes that are no UTF-8 become question marks. */
void utf8_tame(char *text);

#endif
