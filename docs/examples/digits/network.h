/*
 * A two-layer perceptron: 64 pixels, HIDDEN rectified units, 10 classes with
 * softmax and cross-entropy. All weights lie in one array, so that gradients and
 * checkpoints are plain arrays of floats.
 */
#ifndef DIGITS_NETWORK_H
#define DIGITS_NETWORK_H

#include <stddef.h>

#include "dataset.h"

enum {
    HIDDEN = 64,
    WEIGHTS = PIXELS * HIDDEN + HIDDEN + HIDDEN * CLASSES + CLASSES,
};

struct network {
    float weights[WEIGHTS];
    float momentum[WEIGHTS];
};

/* The same on every worker: a fixed seed. */
void network_init(struct network *n);
/* Adds the sample's gradient to gradient; returns its loss. */
double network_gradient(const struct network *n, const struct sample *s, float gradient[WEIGHTS]);
/* One step along the mean gradient of samples. */
void network_step(struct network *n, const float gradient[WEIGHTS], double samples, double rate);
/* Share of samples that are recognised, 0 to 1. */
double network_accuracy(const struct network *n, const struct dataset *d);

#endif
