/* UTF-8 as RFC 3629 has it, read from bytes that may be anything. Pure. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

#include "base/view.h"

/* What Go and Python put in the place of a byte that belongs to no character. */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/* Bytes of the well-formed character that the text begins with; 0 when it begins with none. */
size_t utf8_length(struct view text);

#endif
