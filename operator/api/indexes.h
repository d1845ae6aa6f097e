/*
 * Sets of workers as batch/v1 writes them in completedIndexes: "1,3-5". Pure;
 * nothing fails: what makes no sense of a text is left out.
 */
#ifndef API_INDEXES_H
#define API_INDEXES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

/* Marks the members below `count` in `ret`. */
void indexes_read(const char *text, int32_t count, bool *ret);
/* "" for none. */
const char *indexes_text(const bool *set, int32_t count, struct arena *a);

#endif
