#include "dice.h"

#include "base/banned.h"

struct dice dice_of(uint64_t seed)
{
    struct dice d = {seed * UINT64_C(0x9E3779B97F4A7C15) + 1};
    (void)roll(&d, 2);
    (void)roll(&d, 2);
    return d;
}

int roll(struct dice *d, int sides)
{
    d->state ^= d->state << 13;
    d->state ^= d->state >> 7;
    d->state ^= d->state << 17;
    return (int)(d->state % (uint64_t)sides);
}
