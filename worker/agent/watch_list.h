/*
 * Which directory each of inotify's watches is for. Owns its texts; nothing fails. One thread.
 */
#ifndef AGENT_WATCH_LIST_H
#define AGENT_WATCH_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

/* Zeroed: empty. */
struct watch_list {
    struct watched_directory {
        int wd;
        char *path; /* relative; "" = the root */
    } * items;
    size_t count;
};

void watch_list_fini(struct watch_list *l);
/* NULL when the watch is not known. */
const char *watch_list_path(const struct watch_list *l, int wd);
/* The watch of that path, or of one at or below it; -1: there is none. */
int watch_list_find(const struct watch_list *l, const char *path);
int watch_list_find_below(const struct watch_list *l, const char *path);
/* False when the watch is known already. */
bool watch_list_add(struct watch_list *l, int wd, const char *path);
void watch_list_remove(struct watch_list *l, int wd);
/* A directory was moved, with all that are below it. */
void watch_list_rename(struct watch_list *l, const char *from, const char *to);

#endif
