/*
 * The opened keysets of a job, by the names that its spec gives them. Owned by
 * the agent; keyring_wipe may be called at any time and leaves an empty ring.
 */
#ifndef AGENT_KEYRING_H
#define AGENT_KEYRING_H

#include "agent/plan.h"
#include "seal/set.h"

struct keyring {
    const struct plan *plan;
    struct keyset *keysets; /* one for each key of the plan; NULL: wiped */
};

/* Unwraps every key of the plan, with an identity of its own whose token is wiped afterwards. */
int keyring_open(struct keyring *ret, const struct plan *plan, const struct gcp_site *site,
                 struct err *e) MUST_CHECK;
void keyring_wipe(struct keyring *k);
/* NULL with ERR_INVALID when the plan has no such key. */
const struct keyset *keyring_find(const struct keyring *k, const char *name, struct err *e) MUST_CHECK;

#endif
