/*
 * One program, and an agent that watches it with worker/volume: it hears of changes sooner or later, reads
 * slowly or fast, and commits what is due. The program is killed at some moment, or ends with exit code 0.
 */
#ifndef TESTS_SIM_VOLUME_RUN_H
#define TESTS_SIM_VOLUME_RUN_H

#include "../seen.h"
#include "history.h"
#include "volume/commits.h"

struct run {
    struct program program;
    struct history history;
    struct dice dice;
    struct volume *volume;
    int64_t now_ms, end_ms, committed_ms;
    size_t done; /* acts that the agent has heard of */
    int slow_ms; /* for a read, at most */
    bool is_success, has_ended, is_verbose;
    char declared[PATH_SIZE]; /* the name of the last commit that was declared */
    size_t commits;
    const char *broken; /* the law that was; NULL: none */
    char where[PATH_SIZE];
    struct seen *seen;
};

/* False when a law was broken. */
bool run_program(struct run *r, uint64_t seed);

#endif
