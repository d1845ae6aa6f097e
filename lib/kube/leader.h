/*
 * Leader election on the loop: acquires a Lease of the API server and renews it.
 *
 * on_elected is called when this process becomes the leader, on_lost once when it no longer is. It must then
 * stop writing, and should exit, because another process may have become the leader before. Leadership fences
 * nothing: a request that was sent in time may arrive late. Check leader_is_leading() before each write
 * nevertheless.
 *
 * Use a separate client, so that a renewal never waits for other requests. The leader borrows loop, client
 * and the strings of the configuration. Nothing fails for the caller: errors are reported to on_error and
 * retried. Callbacks run on the loop and must not free the leader.
 */
#ifndef KUBE_LEADER_H
#define KUBE_LEADER_H

#include "kobj/lease.h"
#include "kube/client.h"

struct leader;

struct leader_config {
    const char *ns, *name; /* of the Lease */
    /* Unique among running processes. A process that starts after this one has certainly ended may reuse it;
     * it then becomes the leader without waiting. */
    const char *identity;
    struct lease_timing timing;
};

struct leader_listener {
    void (*on_elected)(void *context);
    /* No longer the leader. Not called after leader_release. */
    void (*on_lost)(void *context);
    /* Another process is the leader; called when its identity changes. */
    void (*on_new_leader)(void *context, const char *identity);
    /* A request failed and will be retried; for the log. */
    void (*on_error)(void *context, const struct err *e);
    void *context;
};

/* Starts at once. */
struct leader *leader_new(struct loop *loop, struct kube_client *client, const struct leader_config *config,
                          const struct leader_listener *listener) MUST_CHECK RETURNS_NONNULL;
/* Does not release the Lease. NULL is fine. */
void leader_free(struct leader *l);

bool leader_is_leading(const struct leader *l);
/* Number of renewals that had to read the Lease first. */
uint64_t leader_slow_paths(const struct leader *l);

/* Stops, and releases the Lease if this process holds it. Call it when all work has stopped: another process
 * may become the leader at once. on_released runs once, even if that failed; others then wait until it
 * expires. */
void leader_release(struct leader *l, void (*on_released)(void *context), void *context);

#endif
