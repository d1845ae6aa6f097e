#include "paste.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "data/js.h"

#include "base/banned.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* The words of YAML 1.1 and 1.2 that stand for something else than themselves. */
static bool is_word_of_yaml(const char *text)
{
    static const char *const WORDS[] = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
    for (size_t i = 0; i < ARRAY_LEN(WORDS); i++)
        if (strcasecmp(text, WORDS[i]) == 0)
            return true;
    return false;
}

/* A colon is only safe before a character that is no space, and never at the end. */
static bool is_plain(const char *text)
{
    size_t length = strlen(text);
    return length > 0 && strchr(LETTERS, text[0]) != NULL &&
           strspn(text, LETTERS "0123456789._/:+=-") == length && text[length - 1] != ':' &&
           !is_word_of_yaml(text);
}

void paste_line(FILE *out, const char *label, const char *text)
{
    json_t *value CLEANUP(js_free) = json_string(text);
    char *quoted CLEANUP(cleanup_free) = js_dump(value); /* a text of JSON is one of YAML */
    fprintf(out, "%s: %s\n", label, is_plain(text) ? text : quoted);
}
