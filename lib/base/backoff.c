#include "base/backoff.h"

#include <sys/random.h>

#include "base/banned.h"

/* About two seconds into a series that begins with a wait of a fraction of a second. */
enum { LOGGED_TRY = 4 };

/* xorshift64*: good enough to spread clients out. */
static uint64_t next_random(struct backoff *b)
{
    while (b->random == 0)
        if (getrandom(&b->random, sizeof(b->random), GRND_NONBLOCK) < 0)
            b->random = (uint64_t)(uintptr_t)b | 1U;
    b->random ^= b->random >> 12;
    b->random ^= b->random << 25;
    b->random ^= b->random >> 27;
    return b->random * 0x2545f4914f6cdd1dULL;
}

int64_t backoff_next_ms(struct backoff *b)
{
    int64_t ceiling = b->first_ms;
    for (unsigned i = 0; i < b->tries && ceiling < b->max_ms; i++)
        ceiling *= 2;
    if (ceiling > b->max_ms)
        ceiling = b->max_ms;
    if (b->tries < 60)
        b->tries++;
    /* At least half, so that no client retries at once; random, so that not all do so together. */
    return ceiling / 2 + (int64_t)(next_random(b) % (uint64_t)(ceiling / 2 + 1));
}

bool backoff_should_log(const struct backoff *b, enum err_code code)
{
    return b->tries == (code == ERR_TIMED_OUT ? 1 : LOGGED_TRY);
}

void backoff_reset(struct backoff *b)
{
    b->tries = 0;
}
