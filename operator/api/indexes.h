/*
 * Sets of workers as batch/v1 writes them in completedIndexes: "1,3-5". Pure; nothing fails: parts of a text
 * that are not an index or a range are skipped.
 */
#ifndef API_INDEXES_H
#define API_INDEXES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

/* Sets ret[i] for every member i below `count`; others are left as they are. */
void indexes_read(const char *text, int32_t count, bool *ret);
/* "" for the empty set; the text lives in the arena. */
const char *indexes_text(const bool *set, int32_t count, struct arena *a);

#endif
