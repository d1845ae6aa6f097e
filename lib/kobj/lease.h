/*
 * Leader election with a Lease (coordination.k8s.io/v1), without the I/O: the last Lease that was observed,
 * whether it may be acquired, and what to write. The rules are those of client-go's leaderelection, so the
 * Lease looks and behaves like any other.
 *
 * Clocks of other machines are never compared with ours: a Lease has expired when it has not *changed* for
 * its duration, counted from when the last change was observed here. Times named _ms are of CLOCK_BOOTTIME.
 * Pure; only lease_timing_check fails. The election owns the last Lease that it observed.
 */
#ifndef KOBJ_LEASE_H
#define KOBJ_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/attr.h"
#include "base/err.h"

#define LEASE_API_PATH "/apis/coordination.k8s.io/v1"

struct lease_timing {
    int64_t lease_ms; /* lease duration: others wait this long without a renewal */
    int64_t renew_ms; /* renew deadline: a leader that has not renewed for this long gives up */
    int64_t retry_ms; /* pause between two tries */
};

struct election {
    const char *ns, *name; /* of the Lease; borrowed, as is the identity */
    const char *identity;
    struct lease_timing timing;
    json_t *lease;      /* the last one observed, without managedFields; NULL: none */
    int64_t seen_ms;    /* when a change of its spec was last observed */
    int64_t renewed_ms; /* when the last successful acquisition or renewal was sent; -1: not leading */
};

/* -1 unless lease > renew > 1.2 * retry > 0. */
int lease_timing_check(const struct lease_timing *t, struct err *e) MUST_CHECK;

void election_init(struct election *x, const char *ns, const char *name, const char *identity,
                   const struct lease_timing *timing);
void election_fini(struct election *x);

/* Observes the Lease in any response of the API server; NULL: it does not exist. */
void election_observe(struct election *x, const json_t *lease, int64_t now_ms);
/* The API server accepted our claim, sent at sent_ms, and returned this Lease. */
void election_win(struct election *x, const json_t *lease, int64_t sent_ms, int64_t now_ms);
/* From now on we are not the leader, whatever the Lease says. */
void election_resign(struct election *x);

/* The last observed holder; "" when there is none. */
const char *election_holder(const struct election *x);
bool election_is_ours(const struct election *x);
/* True when it has no holder, when we are the holder, and when it has expired. */
bool election_may_claim(const struct election *x, int64_t now_ms);
/* True when we hold it and it has not expired: it can be renewed without reading it first. */
bool election_may_renew_unread(const struct election *x, int64_t now_ms);
/* True when we acquired it and renewed it within renew_ms: others wait for at least lease_ms - renew_ms more.
 */
bool election_is_leading(const struct election *x, int64_t now_ms);

/* The Lease with us as holder, to create or, if one was observed, to replace that. */
json_t *election_claim(const struct election *x, int64_t wall_us) MUST_CHECK RETURNS_NONNULL;
/* The observed Lease without a holder. */
json_t *election_release(const struct election *x, int64_t wall_us) MUST_CHECK RETURNS_NONNULL;

#endif
