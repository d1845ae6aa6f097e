/*
 * YAML to paste into a TrainingJob. Texts that YAML could read as something else
 * are quoted. Nothing here fails; main looks after the stream.
 */
#ifndef CLIENT_PASTE_H
#define CLIENT_PASTE_H

#include <stdio.h>

/* "label: text" and the end of the line; text is UTF-8. */
void paste_line(FILE *out, const char *label, const char *text);

#endif
