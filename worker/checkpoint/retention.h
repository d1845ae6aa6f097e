/*
 * Series of checkpoints: names that differ only in their digits, in the order in which they became
 * checkpoints. Who has enough newer successors may leave. Pure; nothing fails.
 */
#ifndef CHECKPOINT_RETENTION_H
#define CHECKPOINT_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "data/lineage.h"

/* A file, or a directory that is one checkpoint. */
struct series_name {
    char *name;           /* the list's */
    struct lineage since; /* the snapshot that had it first */
    int64_t modified_ns;  /* tells apart what became a checkpoint in one snapshot; 0: that is of one age */
    bool is_declared, may_leave;
    bool leaves;   /* by series_choose() */
    char *pattern; /* the list's: the name without its digits */
};

/* Zeroed: empty. */
struct series {
    struct series_name *list;
    size_t count, room;
};

void series_fini(struct series *s);
/* facts: all but what is the list's. A further file of the directory that was added last can make it newer,
 * or keep it from leaving. */
void series_add(struct series *s, const char *name, const struct series_name *facts);
/* Decides who leaves: what may, and has that many newer ones of its series; declared ones, if it is declared
 * itself. Sorts by name. */
void series_choose(struct series *s, unsigned keep);
/* NULL when it is not there. After series_choose(). */
struct series_name *series_find(const struct series *s, const char *name);
/* The oldest of those that leave; NULL: none does. */
struct series_name *series_oldest_leaving(const struct series *s);

#endif
