/*
 * A program that trains: what it does in its checkpoint directory, act by act. Made up from a seed, in the
 * ways that programs of this trade save.
 */
#ifndef TESTS_SIM_VOLUME_PROGRAM_H
#define TESTS_SIM_VOLUME_PROGRAM_H

#include <stddef.h>

#include "../dice.h"
#include "volume/volume.h"

enum { ACTS_MAX = 20000, PATH_SIZE = 64 };

struct act {
    enum change_kind kind;
    char path[PATH_SIZE], to[PATH_SIZE];
    bool is_directory;
    int64_t at_ms;
    int set; /* the save that it is part of; 0: none, as of a log */
};

struct program {
    struct act acts[ACTS_MAX]; /* in their order */
    size_t count;
    struct dice dice;
    int64_t now_ms;
    int set;
};

/* What it does until then. */
void program_make(struct program *p, struct dice dice, int64_t until_ms);

#endif
