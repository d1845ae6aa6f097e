/*
 * Exponential backoff with jitter: how long to wait before the next try. Pure except
 * for its random state. Owned by the caller. Nothing here fails.
 */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct backoff {
    int64_t first_ms, max_ms; /* the first and the longest wait */
    unsigned tries;           /* since the last success */
    uint64_t random;          /* state of the generator; 0: not seeded yet */
};

#define BACKOFF(first, most)                                                                                 \
    {                                                                                                        \
        .first_ms = (first), .max_ms = (most)                                                                \
    }

/* Milliseconds to wait now: between half and all of a limit that doubles with each call, up to max_ms. */
int64_t backoff_next_ms(struct backoff *b);
/* Whether to log this failure. True once in a series of failures: at the fourth, when it is no longer a
 * hiccup, or at the first timeout (ERR_TIMED_OUT), which is a long wait by itself. */
bool backoff_should_log(const struct backoff *b, enum err_code code);
/* Call it after a success. */
void backoff_reset(struct backoff *b);

#endif
