/*
 * Command-line options from one table, in GNU style: --name=value or --name value,
 * short options as -n value, operands in any order, "--" ends the options.
 *
 * Values point into argv or the environment. Errors are ERR_INVALID, with a text for the
 * user.
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
    OPTION_TEXT,    /* const char **; the last one given wins */
    OPTION_FLAG,    /* bool *; takes no value, or =true and =false */
    OPTION_INT,     /* int64_t * */
    OPTION_HEADING, /* not an option: a heading of the help */
};

struct option_row {
    const char *name; /* without dashes; or the heading's text */
    char letter;      /* short form, or '\0' */
    enum option_kind kind;
    void *value;
    const char *argument; /* how the help shows the value, e.g. "FILE" */
    const char *help;
};

/* argv starts with the first argument, not the program, and ends with NULL. Operands are moved to the front
 * of argv; *ret_operands is their number. */
int options_parse(const struct option_row *rows, size_t count, int argc, char **argv, int *ret_operands,
                  struct err *e) MUST_CHECK;
/* Reads the same options from the environment: with prefix "CLOISTER_", CLOISTER_LOG_LEVEL sets --log-level.
 * Call it first, so that the command line wins. Other variables are ignored. */
int options_from_environment(const struct option_row *rows, size_t count, const char *prefix,
                             struct err *e) MUST_CHECK;
void options_print_help(FILE *out, const struct option_row *rows, size_t count);

#endif
