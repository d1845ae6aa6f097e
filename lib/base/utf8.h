/* UTF-8 (RFC 3629) in bytes that may be anything. Pure; nothing fails. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

#include "base/view.h"

/* U+FFFD, the replacement character for a byte that is not valid UTF-8. */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/* Length in bytes of the valid character at the start of text; 0 when there is none. */
size_t utf8_length(struct view text);
/* text is NUL-terminated. */
bool utf8_is_valid(const char *text) MUST_CHECK;
/* Length in bytes of the longest prefix of text that has at most max bytes and ends between characters. text
 * is valid and NUL-terminated. */
size_t utf8_clip(const char *text, size_t max) MUST_CHECK;
/* Makes a NUL-terminated text safe to print on one line, in place: white space becomes spaces, control
 * characters (C1 included) and invalid bytes become question marks. */
void utf8_sanitize(char *text);

#endif
