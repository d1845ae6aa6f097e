/*
 * Prints YAML for a TrainingJob. Values that YAML would not read as the same string
 * are quoted. Nothing here fails; main checks the stream for errors.
 */
#ifndef CLIENT_YAML_PRINT_H
#define CLIENT_YAML_PRINT_H

#include <stdio.h>

/* One line, "label: text"; text is UTF-8. */
void yaml_print_line(FILE *out, const char *label, const char *text);

#endif
