/*
 * Leader election on the loop: holds a Lease of the API server, or waits for it.
 *
 * A leader is told that it leads, renews, and is told once when it no longer does: it then must stop writing
 * and best ends, since the record may be somebody else's before it knows. Being leader fences nothing: a
 * request that was sent in time may arrive late. Ask leader_is_leading() before each write all the same.
 *
 * Give it a client of its own, so that a renewal never waits behind other requests. Borrows loop, client and
 * the texts of the configuration. Nothing fails for the caller; trouble is told and tried again. Callbacks
 * run on the loop and must not free the leader.
 */
#ifndef KUBE_LEADER_H
#define KUBE_LEADER_H

#include "kobj/lease.h"
#include "kube/client.h"

struct leader;

struct leader_config {
    const char *ns, *name; /* of the Lease */
    /* Who we are: no other process has it. One that starts after this one has surely ended may have it and
     * then goes on without waiting. */
    const char *identity;
    struct lease_timing timing;
};

struct leader_listener {
    void (*on_elected)(void *context);
    /* Was leading, and is not any more. Not after leader_release. */
    void (*on_lost)(void *context);
    /* Somebody else holds it; told for each new name. */
    void (*on_other)(void *context, const char *identity);
    void (*on_trouble)(void *context, const struct err *e);
    void *context;
};

/* Begins at once. */
struct leader *leader_new(struct loop *loop, struct kube_client *client, const struct leader_config *config,
                          const struct leader_listener *listener) MUST_CHECK RETURNS_NONNULL;
/* Without giving the Lease back. NULL is fine. */
void leader_free(struct leader *l);

bool leader_is_leading(const struct leader *l);
/* Renewals that had to look at the record first. */
uint64_t leader_slow_paths(const struct leader *l);

/* Stops, and gives the Lease back if it is ours. Only when all work has stopped: another may start the moment
 * it is given back. on_released runs once, also when that failed; others then wait until it expires. */
void leader_release(struct leader *l, void (*on_released)(void *context), void *context);

#endif
