#include "network.h"

#include <math.h>
#include <stdint.h>

/* Where each layer's numbers lie in the one array. */
enum {
    W1 = 0,
    B1 = W1 + PIXELS * HIDDEN,
    W2 = B1 + HIDDEN,
    B2 = W2 + HIDDEN * CLASSES,
};

static const double MOMENTUM = 0.9;

/* Numerical Recipes' generator: the same numbers on every machine. */
static float random_uniform(uint32_t *state, double limit)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)((*state / 4294967296.0 * 2.0 - 1.0) * limit);
}

void network_init(struct network *n)
{
    uint32_t state = 20261123;
    *n = (struct network){.weights = {0}};
    for (int i = 0; i < PIXELS * HIDDEN; i++)
        n->weights[W1 + i] = random_uniform(&state, sqrt(6.0 / (PIXELS + HIDDEN)));
    for (int i = 0; i < HIDDEN * CLASSES; i++)
        n->weights[W2 + i] = random_uniform(&state, sqrt(6.0 / (HIDDEN + CLASSES)));
}

static void forward(const struct network *n, const float *pixels, float hidden[HIDDEN], float out[CLASSES])
{
    const float *w = n->weights;
    for (int h = 0; h < HIDDEN; h++) {
        float sum = w[B1 + h];
        for (int p = 0; p < PIXELS; p++)
            sum += w[W1 + h * PIXELS + p] * pixels[p];
        hidden[h] = sum > 0 ? sum : 0;
    }
    float largest = -INFINITY, total = 0;
    for (int c = 0; c < CLASSES; c++) {
        out[c] = w[B2 + c];
        for (int h = 0; h < HIDDEN; h++)
            out[c] += w[W2 + c * HIDDEN + h] * hidden[h];
        largest = out[c] > largest ? out[c] : largest;
    }
    for (int c = 0; c < CLASSES; c++)
        total += out[c] = expf(out[c] - largest);
    for (int c = 0; c < CLASSES; c++)
        out[c] /= total;
}

double network_gradient(const struct network *n, const struct sample *s, float gradient[WEIGHTS])
{
    float hidden[HIDDEN], out[CLASSES], back[HIDDEN] = {0};
    forward(n, s->pixels, hidden, out);
    double loss = -log((double)out[s->label] + 1e-12);
    for (int c = 0; c < CLASSES; c++) {
        float delta = out[c] - (c == s->label ? 1.0f : 0.0f);
        gradient[B2 + c] += delta;
        for (int h = 0; h < HIDDEN; h++) {
            gradient[W2 + c * HIDDEN + h] += delta * hidden[h];
            back[h] += delta * n->weights[W2 + c * HIDDEN + h];
        }
    }
    for (int h = 0; h < HIDDEN; h++) {
        if (hidden[h] <= 0)
            continue;
        gradient[B1 + h] += back[h];
        for (int p = 0; p < PIXELS; p++)
            gradient[W1 + h * PIXELS + p] += back[h] * s->pixels[p];
    }
    return loss;
}

void network_step(struct network *n, const float gradient[WEIGHTS], double samples, double rate)
{
    for (int i = 0; i < WEIGHTS; i++) {
        n->momentum[i] = (float)(MOMENTUM * (double)n->momentum[i] + (double)gradient[i] / samples);
        n->weights[i] -= (float)(rate * (double)n->momentum[i]);
    }
}

double network_accuracy(const struct network *n, const struct dataset *d)
{
    size_t right = 0;
    for (size_t i = 0; i < d->count; i++) {
        float hidden[HIDDEN], out[CLASSES];
        int best = 0;
        forward(n, d->samples[i].pixels, hidden, out);
        for (int c = 1; c < CLASSES; c++)
            best = out[c] > out[best] ? c : best;
        right += best == d->samples[i].label;
    }
    return d->count == 0 ? 0 : (double)right / (double)d->count;
}
