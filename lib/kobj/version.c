#include "kobj/version.h"

#include <string.h>

#include "base/banned.h"

static size_t digits(const char *text)
{
    size_t length = text == NULL ? 0 : strspn(text, "0123456789");
    return length > 0 && text[0] != '0' && text[length] == '\0' ? length : 0;
}

bool version_is_at_least(const char *a, const char *b)
{
    size_t a_length = digits(a), b_length = digits(b);
    if (a_length != b_length)
        return a_length > b_length;
    return a_length == 0 || strcmp(a, b) >= 0;
}
