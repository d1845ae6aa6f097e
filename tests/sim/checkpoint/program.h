/*
 * What a program does in its checkpoint directory during one attempt, act by act: a few saves in one of the
 * ways in which programs of this trade save, numbered on from what it restored.
 */
#ifndef TESTS_SIM_CHECKPOINT_PROGRAM_H
#define TESTS_SIM_CHECKPOINT_PROGRAM_H

#include <stddef.h>

#include "../dice.h"
#include "volume/volume.h"

enum { ACTS_MAX = 160, PATH_SIZE = 48, STYLES = 8 };

struct act {
    enum change_kind kind;
    char path[PATH_SIZE], to[PATH_SIZE];
    int64_t at_ms;
    int step;
    bool is_directory;
    bool is_append; /* CHANGE_WRITTEN: what the file holds stays */
    bool declares;  /* what is at the path (of a move: at its new one) is complete by this act */
};

struct program {
    struct act acts[ACTS_MAX];
    size_t count;
    int64_t end_ms;
    int step;             /* of the last save */
    bool is_simple;       /* every file is written under a temporary name and renamed once */
    int style, exit_code; /* -1: it is killed */
    bool is_rotating;     /* removes all but two */
    struct dice dice;
};

/* style: from 0. It begins at begin_ms; its first save has that step. */
void program_make(struct program *p, int style, int first_step, int64_t begin_ms);

#endif
