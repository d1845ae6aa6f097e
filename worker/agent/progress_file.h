/*
 * The file in which the trainer writes lines of progress ($CLOISTER_PROGRESS).
 *
 * Looked at each second. Lines may be appended, the file may be written anew or
 * renamed into place: the last line that says something counts. What is far behind
 * is given back to the volume, so that a program may append for ever. The file is
 * the trainer's: nothing is followed, and nothing but a regular file is read.
 */
#ifndef AGENT_PROGRESS_FILE_H
#define AGENT_PROGRESS_FILE_H

#include "agent/progress.h"

struct loop;
struct progress_file;

/* on_progress runs on the loop whenever *progress was given something. path and progress are borrowed. */
struct progress_file *progress_file_new(struct loop *loop, const char *path, struct progress *progress,
                                        void (*on_progress)(void *context),
                                        void *context) MUST_CHECK RETURNS_NONNULL;
/* Looks at once, and takes a last line that has no end, too: nobody writes any more. */
void progress_file_look(struct progress_file *f);
void progress_file_free(struct progress_file *f); /* NULL is fine */

#endif
