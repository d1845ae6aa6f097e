/* Random numbers that a seed repeats (xorshift64). */
#ifndef TESTS_SIM_DICE_H
#define TESTS_SIM_DICE_H

#include <stdint.h>

struct dice {
    uint64_t state;
};

struct dice dice_of(uint64_t seed);
int roll(struct dice *d, int sides); /* from 0 */

#endif
