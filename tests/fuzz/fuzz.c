#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"

#include "base/banned.h"

void fuzz_fail(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s does not hold\n", file, line, condition);
    abort();
}

void fuzz_check_error(struct err *e)
{
    char *text CLEANUP(cleanup_free) = err_text(e);
    CHECK(e->code != ERR_NONE);
    CHECK(*text != '\0');
    CHECK(utf8_is_valid(text));
    for (const char *at = text; *at != '\0'; at++)
        CHECK((unsigned char)*at >= 0x20 && *at != 0x7f);
    err_fini(e);
}

size_t fuzz_cut(const uint8_t *bytes, size_t length)
{
    size_t sum = 0;
    for (size_t i = 0; i < length; i++)
        sum = sum * 31 + bytes[i];
    return sum % (length + 1);
}

bool fuzz_is_within(struct view v, struct view whole)
{
    return v.len == 0 || (v.ptr >= whole.ptr && v.ptr + v.len <= whole.ptr + whole.len);
}
