/*
 * How long to wait before the next try: exponential with full jitter above a
 * floor. Pure but for its own random state; cannot fail. Owned by the caller.
 */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct backoff {
    int64_t first_ms, max_ms; /* first wait, and the most that is ever waited */
    unsigned tries;           /* since the last success */
    uint64_t random;          /* state of the generator; any seed but 0 */
};

#define BACKOFF(first, most)                                                                                 \
    {                                                                                                        \
        .first_ms = (first), .max_ms = (most)                                                                \
    }

/* Milliseconds to wait now; the next call answers with about the double, up to max_ms. */
int64_t backoff_next_ms(struct backoff *b);
/* Once in a series, behind the fourth wait, or the first when the try itself was a long wait (TIMED_OUT): it
 * is no hiccup any more, and whoever looks why nothing goes on shall find it. */
bool backoff_is_worth_telling(const struct backoff *b, enum err_code code);
/* After a success. */
void backoff_reset(struct backoff *b);

#endif
