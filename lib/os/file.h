/*
 * Reads and writes whole small files, with a size limit; creates directories. Blocking.
 * Errors are ERR_NOT_FOUND, ERR_TOO_LARGE (both with the path as object) and ERR_IO.
 * The caller owns what is returned.
 */
#ifndef OS_FILE_H
#define OS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/view.h"

/* The content, NUL-terminated; the caller frees it. ret_length may be NULL. NULL with *e set on failure. */
char *file_read(const char *path, size_t max_bytes, size_t *ret_length, struct err *e) MUST_CHECK;
/* Reads into locked memory. */
int file_read_secret(const char *path, size_t max_bytes, struct secret *ret, struct err *e) MUST_CHECK;
/* Replaces the file atomically: writes a temporary file next to it and renames that. mode is e.g. 0600. */
int file_replace(const char *path, struct view content, unsigned mode, struct err *e) MUST_CHECK;
/* Overwrites the file in place, e.g. a termination message, which is a mount and cannot be renamed over. */
int file_overwrite(const char *path, struct view content, struct err *e) MUST_CHECK;
/* Like mkdir -p; mode applies to the directories that are created. */
int file_make_directories(const char *path, unsigned mode, struct err *e) MUST_CHECK;
/* Reads length bytes from offset; *ret_length is less only at the end of the file. */
int fd_read_at(int fd, void *bytes, size_t length, uint64_t offset, size_t *ret_length,
               struct err *e) MUST_CHECK;
/* close() for CLEANUP; -1 is fine. */
void cleanup_fd(int *fd);

/* Whether anybody has the file open for writing: a read lease is granted only while nobody has. fd is open
 * for reading, and the file is of our user. */
bool fd_is_held(int fd);
/* When the file was modified last, of the clock of its system. */
int64_t stat_modified_ns(const struct stat *st);
/* The same, but at this moment: a file counts as held for a moment after its close was told. */
bool fd_is_held_now(int fd);

#endif
