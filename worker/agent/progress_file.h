/*
 * The file in which the trainer writes lines of progress ($CLOISTER_PROGRESS).
 *
 * Polled every second. Lines may be appended, and the file may be rewritten or
 * renamed into place: of progress the last valid line counts, of "checkpoint=PATH"
 * every line, in their order. The space of old lines is returned to the volume, so
 * that a program can append indefinitely. The trainer owns the file: links are not
 * followed, and only a regular file is read.
 */
#ifndef AGENT_PROGRESS_FILE_H
#define AGENT_PROGRESS_FILE_H

#include "agent/progress.h"

struct loop;
struct progress_file;

/* What lines say, called on the loop. */
struct progress_listener {
    void (*on_progress)(void *context); /* *progress has changed */
    void (*on_checkpoint)(void *context, const char *path);
    void *context;
};

/* path and progress are borrowed. */
struct progress_file *progress_file_new(struct loop *loop, const char *path, struct progress *progress,
                                        struct progress_listener listener) MUST_CHECK RETURNS_NONNULL;
/* Reads the file now, including a last line without a line break: the trainer has exited. */
void progress_file_look(struct progress_file *f);
void progress_file_free(struct progress_file *f); /* NULL is fine */

#endif
