/*
 * What names of files and directories say: that something is still being written, which step it is of, and
 * which names are those of one series. Pure; nothing fails. Paths are relative, with '/' between their parts.
 */
#ifndef VOLUME_PATH_NAMES_H
#define VOLUME_PATH_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * Whether one part of the path is a name for what is still being written: a leading '.', the prefix "tmp-", a
 * suffix ".tmp", ".temp", ".part", ".incomplete" or "~", or ".orbax-checkpoint-tmp" in it. The marker
 * ".metadata" is none.
 */
bool path_is_temporary(const char *path);
/* Whether it is the marker that completes the directory that it is in: ".metadata" (PyTorch DCP). */
bool path_is_marker(const char *path);
/* Whether path is below the directory, at any depth. Everything is below "". */
bool path_is_below(const char *path, const char *directory);
bool path_is_at_or_below(const char *path, const char *directory);
/* The number at the end of the last part's stem: "run/epoch-12.ckpt" -> 12; -1 without one. For people only.
 */
int64_t path_step(const char *path);
/* The path with one "#" for each run of digits: equal for the paths of one series, "ckpt-9/a" and
 * "ckpt-10/a". The caller frees it. */
char *path_pattern(const char *path) MUST_CHECK RETURNS_NONNULL;

#endif
