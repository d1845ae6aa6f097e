/* The digits data set: rows of 64 pixels and a label. Rows 0, 5, 10, ... are held out for the accuracy. */
#ifndef DIGITS_DATASET_H
#define DIGITS_DATASET_H

#include <stddef.h>

enum { PIXELS = 64, CLASSES = 10, HELD_OUT_EVERY = 5 };

struct sample {
    float pixels[PIXELS]; /* 0 to 1 */
    int label;            /* 0 to 9 */
};

struct dataset {
    struct sample *samples;
    size_t count;
};

/* Reads every *.csv file below directory, in order of name. Prints what is wrong and returns -1. */
int dataset_load(struct dataset *d, const char *directory);
/* The training rows of one worker: every world-th row of those not held out. */
void dataset_shard(const struct dataset *all, struct dataset *ret, size_t rank, size_t world);
void dataset_held_out(const struct dataset *all, struct dataset *ret);
void dataset_free(struct dataset *d);

#endif
