#include "yaml_print.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "data/js.h"

#include "base/banned.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* Words that YAML 1.1 or 1.2 reads as a boolean or null. */
static bool is_reserved_word(const char *text)
{
    static const char *const WORDS[] = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
    for (size_t i = 0; i < ARRAY_LEN(WORDS); i++)
        if (strcasecmp(text, WORDS[i]) == 0)
            return true;
    return false;
}

/* A colon ends a key when a space or the end of the line follows it. */
static bool is_plain(const char *text)
{
    size_t length = strlen(text);
    return length > 0 && strchr(LETTERS, text[0]) != NULL &&
           strspn(text, LETTERS "0123456789._/:+=-") == length && text[length - 1] != ':' &&
           !is_reserved_word(text);
}

void yaml_print_line(FILE *out, const char *label, const char *text)
{
    json_t *value CLEANUP(js_free) = json_string(text);
    char *quoted CLEANUP(cleanup_free) = js_dump(value); /* JSON strings are YAML */
    fprintf(out, "%s: %s\n", label, is_plain(text) ? text : quoted);
}
