/*
 * Watches a directory tree and tells what a program does in it, change by change and in its order.
 *
 * A thread of its own reads inotify, so that each change has the time at which it was made even while the
 * agent is busy with an upload. Directories are watched as they appear; what was in one before it was watched
 * is looked at and told as closed or, where somebody holds it open for writing, as written. Links are told as
 * closed. When the kernel drops events, everything is told anew: removed, and then as it is found. Whoever
 * makes the watcher owns it; the thread touches nothing but the watcher.
 */
#ifndef AGENT_WATCHER_H
#define AGENT_WATCHER_H

#include "base/attr.h"
#include "base/err.h"
#include "volume/volume.h"

struct watcher;

/* The directory is made where it is missing. NULL with *e set when it cannot be watched. */
struct watcher *watcher_new(const char *directory, struct err *e) MUST_CHECK;
void watcher_free(struct watcher *w); /* NULL is fine */
/* The directory itself. Borrowed. */
int watcher_directory(const struct watcher *w);
/* Becomes readable when there are changes. */
int watcher_fd(const struct watcher *w);
/* Names what the program calls a checkpoint, after all that it did before this call. On any thread. */
void watcher_name(struct watcher *w, const char *path);
/* Calls fn for each change that was made before this call. -1 when something could not be watched, which is
 * said once in *e. */
int watcher_drain(struct watcher *w, void (*fn)(void *context, const struct change *c), void *context,
                  struct err *e) MUST_CHECK;

#endif
