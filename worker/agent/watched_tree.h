/*
 * The directories that are watched, and what is found in those that were not watched from their beginning.
 *
 * A program may fill a directory, or rename it, before the watch on it exists. What is in it is then looked
 * at and told as closed or, where somebody holds it open for writing, as written; first what was written
 * first, and a marker after what is as old. One thread; failures go into the queue.
 */
#ifndef AGENT_WATCHED_TREE_H
#define AGENT_WATCHED_TREE_H

#include "agent/change_queue.h"
#include "agent/watch_list.h"

struct watched_tree {
    int root_fd, inotify_fd;
    struct change_queue *queue;
    struct watch_list directories;
};

/* Everything, from the root. */
void watched_tree_begin(struct watched_tree *t);
/* The kernel has dropped events: everything is told anew, as removed and then as it is found. */
void watched_tree_begin_anew(struct watched_tree *t);
/* A directory has appeared at that path. */
void watched_tree_appeared(struct watched_tree *t, const char *path);
/* A directory was moved: what was missed of it is told under its old path, then the move. */
void watched_tree_moved(struct watched_tree *t, const char *from, const char *to);
/* The same for what was moved from a directory that was not watched yet: nothing can come from elsewhere. */
void watched_tree_moved_in(struct watched_tree *t, const char *path);
/* The two have changed places in one step. */
void watched_tree_exchanged(struct watched_tree *t, const char *a, const char *b);
/* A name for a file, or for what nobody closes: a link. A file that nobody writes to had a name before, or
 * none until it was complete (O_TMPFILE). */
void watched_tree_created(struct watched_tree *t, const char *path);

#endif
