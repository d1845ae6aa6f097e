/* Hashes of visited states, in memory that processes share. */
#ifndef TESTS_SIM_SEEN_H
#define TESTS_SIM_SEEN_H

#include <stdbool.h>
#include <stdint.h>

struct seen;

struct seen *seen_new(uint64_t slots); /* a power of two; NULL without memory */
void seen_free(struct seen *seen);
/* Whether it is new. */
bool seen_add(struct seen *seen, uint64_t hash);
uint64_t seen_count(const struct seen *seen);

#endif
