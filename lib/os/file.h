/*
 * Small files, whole: reading with a limit, replacing atomically, making
 * directories. Blocking; errors are ERR_NOT_FOUND, ERR_TOO_LARGE or ERR_IO with
 * the path as object. The caller owns what is returned.
 */
#ifndef OS_FILE_H
#define OS_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/view.h"

/* Terminated text; the caller frees it. *ret_length may be NULL. NULL with *e set on failure. */
char *file_read(const char *path, size_t max_bytes, size_t *ret_length, struct err *e) MUST_CHECK;
/* The same into locked memory. */
int file_read_secret(const char *path, size_t max_bytes, struct secret *ret, struct err *e) MUST_CHECK;
/* Writes a temporary file beside path and renames it. mode is the new file's, e.g. 0600. */
int file_replace(const char *path, struct view content, unsigned mode, struct err *e) MUST_CHECK;
/* Overwrites in place (termination messages: the file is a mount and cannot be renamed). */
int file_overwrite(const char *path, struct view content, struct err *e) MUST_CHECK;
/* mkdir -p; mode of those that are made. */
int file_make_directories(const char *path, unsigned mode, struct err *e) MUST_CHECK;
/* All bytes, or an error; also for pipes and sockets. */
int fd_write_all(int fd, const void *bytes, size_t length, struct err *e) MUST_CHECK;
/* Fills the buffer from offset; *ret_length is less than length only at the end of the file. */
int fd_read_at(int fd, void *bytes, size_t length, uint64_t offset, size_t *ret_length,
               struct err *e) MUST_CHECK;
/* close() for CLEANUP; -1 is fine. */
void cleanup_fd(int *fd);

#endif
