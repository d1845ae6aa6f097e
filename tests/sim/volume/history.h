/* Which contents stood under which path, from which act of a program to which. */
#ifndef TESTS_SIM_VOLUME_HISTORY_H
#define TESTS_SIM_VOLUME_HISTORY_H

#include <stddef.h>

#include "program.h"

#define STILL_THERE ((size_t)-1)

/* A content under one path. */
struct life {
    char path[PATH_SIZE];
    size_t born, died; /* acts; STILL_THERE = not died */
    size_t origin;     /* the act that closed it, under whatever path: which content it is */
};

struct history {
    struct life lives[2 * ACTS_MAX];
    size_t count;
};

void history_make(struct history *h, const struct program *p);
/* The content under that path after the first `acts` acts; NULL: there is none, or it is being written. */
const struct life *history_at(const struct history *h, const char *path, size_t acts);
/* The last stay of that content under that path; NULL: it never was there. */
const struct life *history_of(const struct history *h, const char *path, size_t origin);

#endif
