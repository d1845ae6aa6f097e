#include "seen.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>

#include "base/banned.h"

struct seen {
    _Atomic uint64_t count;
    uint64_t size;
    _Atomic uint64_t slots[];
};

static size_t seen_bytes(uint64_t slots)
{
    return sizeof(struct seen) + slots * sizeof(uint64_t);
}

struct seen *seen_new(uint64_t slots)
{
    struct seen *p = mmap(NULL, seen_bytes(slots), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    p->size = slots;
    return p;
}

void seen_free(struct seen *seen)
{
    (void)munmap(seen, seen_bytes(seen->size));
}

bool seen_add(struct seen *seen, uint64_t hash)
{
    if (atomic_load(&seen->count) > seen->size / 4 * 3)
        return false;
    hash |= 1; /* 0 is an empty slot */
    for (uint64_t at = hash >> 8;; at++) {
        uint64_t there = 0;
        if (atomic_compare_exchange_strong(&seen->slots[at & (seen->size - 1)], &there, hash)) {
            atomic_fetch_add(&seen->count, 1);
            return true;
        }
        if (there == hash)
            return false;
    }
}

uint64_t seen_count(const struct seen *seen)
{
    return atomic_load(&seen->count);
}
