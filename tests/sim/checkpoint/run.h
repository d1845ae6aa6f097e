/* One run: the operator, the order of everything, and the state that is left. */
#ifndef TESTS_SIM_CHECKPOINT_RUN_H
#define TESTS_SIM_CHECKPOINT_RUN_H

#include "world.h"

/* With the troubles; is_random: others by chance as well. False when a law was broken. */
bool run(uint64_t seed, const struct trouble_at *troubles, int count, bool is_random);

#endif
