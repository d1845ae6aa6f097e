/*
 * Where a snapshot of checkpoints stands among those of its job: by attempt, and
 * within one by sequence. Manifests are authenticated, so nobody who can write to the
 * bucket can change it; numbers in names of checkpoints are for people. Pure.
 */
#ifndef DATA_LINEAGE_H
#define DATA_LINEAGE_H

#include <stdint.h>

struct lineage {
    int64_t attempt;  /* from 1; 0: there is no snapshot */
    int64_t sequence; /* from 1 within the attempt */
};

/* Less than 0, 0, or more than 0: a is older than b, the same, or newer. */
static inline int lineage_compare(struct lineage a, struct lineage b)
{
    if (a.attempt != b.attempt)
        return a.attempt < b.attempt ? -1 : 1;
    return a.sequence == b.sequence ? 0 : a.sequence < b.sequence ? -1 : 1;
}

#endif
