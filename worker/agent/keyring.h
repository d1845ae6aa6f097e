/*
 * The opened keysets of a job, by the names that its spec gives them, and the
 * buckets that they are used with. Owned by the agent; keyring_wipe may be called
 * at any time and leaves an empty ring.
 */
#ifndef AGENT_KEYRING_H
#define AGENT_KEYRING_H

#include "agentapi/assignment.h"
#include "seal/context.h"

struct keyring {
    const struct assignment *assignment;
    const struct gcp_config *gcp;
    struct keyset *keysets; /* one for each key of the assignment; NULL: wiped */
};

/* Unwraps every key of the assignment, with credentials of its own whose token is wiped afterwards. gcp is
 * for buckets; it and the assignment are borrowed. Errors: those of seal/unwrap.h. */
int keyring_open(struct keyring *ret, const struct assignment *assignment, const struct gcp_config *gcp,
                 struct err *e) MUST_CHECK;
void keyring_wipe(struct keyring *k);
/* Opens the place in a bucket that a URI names, with the key of that name. The caller closes it before the
 * ring is wiped. ERR_INVALID when the assignment has no such key. */
int keyring_seal(const struct keyring *k, const char *uri, const char *key_name, struct seal_context *ret,
                 struct err *e) MUST_CHECK;

#endif
