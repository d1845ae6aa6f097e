/*
 * Models on disk: a line of text that says what it is, then the raw floats.
 * Files appear by rename, so a reader (Cloister's agent) never sees half of one.
 */
#ifndef DIGITS_SAVED_H
#define DIGITS_SAVED_H

#include "network.h"

/* Writes <directory>/<name> by way of a temporary name in the same directory. */
int saved_write(const char *directory, const char *name, const struct network *n, int epoch);
int saved_read(const char *path, struct network *n, int *ret_epoch);
/* The file with the highest number in its name: the newest of the restored checkpoints. -1 when there is
 * none. */
int saved_find(const char *directory, char *ret_path, unsigned long size);

#endif
