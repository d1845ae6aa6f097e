/*
 * When a state of the directory has settled although nobody declared it: pauses between changes.
 *
 * Changes that follow one another within ten seconds are a burst, and what they wrote settles together. A
 * burst that lasts longer than thirty seconds ends at its longest pause so far. A file that is written again
 * and again within a burst, such as a log, prolongs it no more, nor does one that has been open for longer
 * than thirty seconds. Pure; nothing fails.
 */
#ifndef VOLUME_SETTLE_H
#define VOLUME_SETTLE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    SETTLE_MS = 10 * 1000,
    BURST_MS = 30 * 1000,
    REWRITES_MAX = 3,
    REWRITE_MS = 2500,
    PAUSE_MIN_MS = 1000
};

struct settle {
    uint64_t burst; /* counts them, for files to know that their counts are of another one */
    bool is_going_on;
    bool is_listed;     /* the state was listed in the pause that is going on */
    int64_t begun_ms;   /* the burst's first change */
    int64_t active_ms;  /* the last change, or the last opening of a file */
    int64_t longest_ms; /* the longest pause before this one in which the state was listed; 0 = none */
    int64_t after_ms;   /* the first activity after that one */
};

enum settle_step {
    SETTLE_NOTHING,
    SETTLE_LIST,         /* a pause: list the state */
    SETTLE_OVER_HERE,    /* the burst is over: what was listed in this pause has settled */
    SETTLE_OVER_LONGEST, /* the burst is cut: what was listed in its longest pause has settled */
};

/* A file was closed, moved or removed. True: the pause that has ended was the longest in which the state was
 * listed. */
bool settle_change(struct settle *s, int64_t at_ms);
/* The same for a file that was opened for writing: whatever it becomes, the program does not pause. */
bool settle_open(struct settle *s, int64_t at_ms);
/* An act has declared everything: there is nothing to wait for. */
void settle_reset(struct settle *s);
/* is_writing: a file is open that was opened less than BURST_MS ago. */
enum settle_step settle_tick(struct settle *s, int64_t now_ms, bool is_writing);

#endif
