/*
 * Sums arrays over all workers: each sends its part to the coordinator (rank 0)
 * over TCP, which adds them in order of rank and sends the sum back, so that
 * every worker holds the same bits. One worker alone needs no connection.
 */
#ifndef DIGITS_EXCHANGE_H
#define DIGITS_EXCHANGE_H

#include <stddef.h>

enum { MAX_WORKERS = 64 };

struct exchange {
    size_t rank, world;
    int peers[MAX_WORKERS]; /* coordinator: one socket a worker; others: peers[0] */
};

/* Meets the others at coordinator:port; waits up to two minutes. Prints what is wrong and returns -1. */
int exchange_open(struct exchange *x, size_t rank, size_t world, const char *coordinator, const char *port);
/* values becomes the sum over all workers. */
int exchange_sum(struct exchange *x, float *values, size_t count);
void exchange_close(struct exchange *x);

#endif
