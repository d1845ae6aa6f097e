#include "os/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/view.h"

#include "base/banned.h"

enum { LEFT_COLUMNS = 34 };

static const struct option_row *find_row(const struct option_row *rows, size_t count, struct view name,
                                         char letter)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].kind == OPTION_HEADING)
            continue;
        if (name.len > 0 ? view_equal_text(name, rows[i].name) : rows[i].letter == letter)
            return &rows[i];
    }
    return NULL;
}

static int set_value(const struct option_row *row, const char *value, struct err *e)
{
    char *end;
    switch (row->kind) {
    case OPTION_TEXT: *(const char **)row->value = value; return 0;
    case OPTION_FLAG:
        if (value != NULL && strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
            return FAIL(e, ERR_INVALID, "--%s must be true or false, not %s", row->name, value);
        *(bool *)row->value = value == NULL || strcmp(value, "true") == 0;
        return 0;
    case OPTION_INT:
        errno = 0;
        *(int64_t *)row->value = strtoll(value, &end, 10);
        if (errno != 0 || end == value || *end != '\0')
            return FAIL(e, ERR_INVALID, "--%s must be a whole number, not %s", row->name, value);
        return 0;
    case OPTION_HEADING: break;
    }
    return 0;
}

/* Parses the option argv[0]; argv[1] is the next argument or NULL. *ret_used is 1 or 2 arguments. */
static int parse_option(const struct option_row *rows, size_t count, char *const *argv, int *ret_used,
                        struct err *e)
{
    const char *text = argv[0], *value = NULL;
    bool is_long = text[1] == '-';
    struct view rest, name = view_cut(view_from(text + 2), '=', &rest);
    const struct option_row *row =
        find_row(rows, count, is_long ? name : view_of(NULL, 0), is_long ? '\0' : text[1]);
    if (row == NULL)
        return FAIL(e, ERR_INVALID, "unknown option %s; see --help", text);
    if (is_long && text[2 + name.len] == '=')
        value = text + 2 + name.len + 1;
    else if (!is_long && text[2] != '\0')
        value = text + 2;
    *ret_used = 1;
    if (value == NULL && row->kind != OPTION_FLAG) {
        value = argv[1];
        if (value == NULL)
            return FAIL(e, ERR_INVALID, "option %s needs a value", text);
        *ret_used = 2;
    }
    return set_value(row, value, e);
}

int options_parse(const struct option_row *rows, size_t count, int argc, char **argv, int *ret_operands,
                  struct err *e)
{
    int operands = 0;
    for (int at = 0; at < argc;) {
        int used = 1;
        if (strcmp(argv[at], "--") == 0) {
            for (at++; at < argc; at++)
                argv[operands++] = argv[at];
            break;
        }
        if (argv[at][0] != '-' || argv[at][1] == '\0')
            argv[operands++] = argv[at];
        else if (parse_option(rows, count, argv + at, &used, e) < 0)
            return -1;
        at += used;
    }
    *ret_operands = operands;
    return 0;
}

int options_from_environment(const struct option_row *rows, size_t count, const char *prefix, struct err *e)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].kind == OPTION_HEADING)
            continue;
        char *name CLEANUP(cleanup_free) = xasprintf("%s%s", prefix, rows[i].name);
        for (char *c = name + strlen(prefix); *c != '\0'; c++)
            *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
        const char *value = getenv(name);
        if (value != NULL && set_value(&rows[i], value, e) < 0)
            return err_wrap(e, "environment variable %s", name);
    }
    return 0;
}

void options_print_help(FILE *out, const struct option_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char left[96];
        if (rows[i].kind == OPTION_HEADING) {
            fprintf(out, "\n%s\n", rows[i].name);
            continue;
        }
        snprintf(left, sizeof(left), "%c%c%s --%s%s%s", rows[i].letter != '\0' ? '-' : ' ',
                 rows[i].letter != '\0' ? rows[i].letter : ' ', rows[i].letter != '\0' ? "," : " ",
                 rows[i].name, rows[i].argument != NULL ? "=" : "",
                 rows[i].argument != NULL ? rows[i].argument : "");
        /* A long name gets a line of its own. */
        if (strlen(left) > LEFT_COLUMNS)
            fprintf(out, "  %s\n  %*s %s\n", left, LEFT_COLUMNS, "", rows[i].help);
        else
            fprintf(out, "  %-*s %s\n", LEFT_COLUMNS, left, rows[i].help);
    }
}
