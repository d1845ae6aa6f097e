/*
 * What a program has in its checkpoint directory, told change by change, and which states of it are whole.
 *
 * A commit is a listing: the state of the whole directory at one moment, as the program had it. Two kinds of
 * moments count. A declaring act (a rename into place, a marker, a line in $CLOISTER_PROGRESS, exit code 0)
 * says that what was closed before it is complete. Otherwise a state has settled when the program paused
 * after it (volume/settle.h). A directory that was declared is an entry: it stands in listings as it was when
 * it was declared, until it is declared again or is gone.
 *
 * Pure: the caller watches the directory (agent/watcher.h), tells the changes in their order with the time,
 * and reads and commits what volume/commits.h says. Paths are relative to the directory and hold no "." or
 * "..". Nothing fails. One thread.
 */
#ifndef VOLUME_VOLUME_H
#define VOLUME_VOLUME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

enum change_kind {
    CHANGE_WRITTEN, /* a file was created, or written to */
    CHANGE_CLOSED,  /* the last writer that was seen has closed it; or it was found closed */
    CHANGE_MOVED,   /* a file or directory, to another path in the directory */
    CHANGE_DELETED, /* a file or directory */
    CHANGE_NAMED,   /* a line "checkpoint=PATH" */
};

struct change {
    enum change_kind kind;
    const char *path;
    const char *to; /* MOVED */
    bool is_directory;
    int64_t at_ms; /* on a clock that never goes back */
};

struct volume;

struct volume *volume_new(void) MUST_CHECK RETURNS_NONNULL;
void volume_free(struct volume *v); /* NULL is fine */

/* False: a path was named under which nothing complete is. */
bool volume_apply(struct volume *v, const struct change *c);
/* A file from before an agent's restart that is as it was: its version is stored already. False: it is being
 * written, and the object stays the caller's. */
bool volume_remember(struct volume *v, const char *path, void *object, bool is_declared);
/* The same for a directory that had been declared, all of whose files are as they were. */
void volume_remember_entry(struct volume *v, const char *path);
/* The version that the file holds, once its writer has closed it; NULL: it is open, or not known. */
const struct version *volume_closed_version(const struct volume *v, const char *path);
/* The agent removes the file to make room; it stays in listings. False: it may not go, for it has changed. */
bool volume_release(struct volume *v, const char *path);

#endif
