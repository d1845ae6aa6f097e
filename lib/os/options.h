/*
 * Command-line options from one table: GNU style, --name=value or --name value,
 * short ones as -n value, words in any order, "--" ends the options.
 *
 * Values point into argv (or the environment) and live as long as it. options_parse fails with
 * ERR_INVALID and a sentence for a person. Pure but for options_print_help.
 */
#ifndef OS_OPTIONS_H
#define OS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"

enum option_kind {
    OPTION_TEXT,    /* const char **; the last one given counts */
    OPTION_FLAG,    /* bool *; takes no value, or =true and =false */
    OPTION_INT,     /* int64_t * */
    OPTION_HEADING, /* no option: a line of the help */
};

struct option_row {
    const char *name; /* without dashes; or the heading's text */
    char letter;      /* short form, or '\0' */
    enum option_kind kind;
    void *value;
    const char *argument; /* what the help calls the value, e.g. "FILE" */
    const char *help;
};

/* argv starts with the first argument, not the program. Words that are no options are moved to the front of
 * argv; *ret_words is their number. */
int options_parse(const struct option_row *rows, size_t count, int argc, char **argv, int *ret_words,
                  struct err *e) MUST_CHECK;
/* The same values from the environment: --log-level with prefix "CLOISTER_" is CLOISTER_LOG_LEVEL. Call it
 * first, so that the command line wins. Variables that belong to no option are somebody else's. */
int options_from_environment(const struct option_row *rows, size_t count, const char *prefix,
                             struct err *e) MUST_CHECK;
void options_print_help(FILE *out, const struct option_row *rows, size_t count);

#endif
