/*
 * Leader election by a Lease (coordination.k8s.io/v1), the part that is only thinking: what was seen of the
 * record, whether it may be taken, what to write. The rules are those of client-go's leaderelection, so that
 * a Lease looks and behaves as everybody's does.
 *
 * Clocks of other machines are never compared with ours: a record has expired when it has not *changed* for
 * the time that it grants, counted here from the moment in which the change was seen. Times named _ms are of
 * CLOCK_BOOTTIME. Pure; nothing fails. The election owns the last Lease that it saw.
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
    int64_t lease_ms; /* how long others wait for a holder that says nothing */
    int64_t renew_ms; /* a holder that has not renewed for so long gives up */
    int64_t retry_ms; /* between two tries */
};

struct election {
    const char *ns, *name; /* of the Lease; borrowed, as is the identity */
    const char *identity;
    struct lease_timing timing;
    json_t *lease;      /* the last one seen, without managedFields; NULL: none */
    int64_t seen_ms;    /* when its spec last changed */
    int64_t renewed_ms; /* when the last request was sent that made or kept us leader; -1: we are not */
};

/* -1 unless lease > renew > 1.2 * retry > 0. */
int lease_timing_check(const struct lease_timing *t, struct err *e) MUST_CHECK;

void election_init(struct election *x, const char *ns, const char *name, const char *identity,
                   const struct lease_timing *timing);
void election_fini(struct election *x);

/* What the API server holds, from any answer; NULL: it holds none. */
void election_see(struct election *x, const json_t *lease, int64_t now_ms);
/* The API server took our claim, sent at sent_ms, and holds this now. */
void election_win(struct election *x, const json_t *lease, int64_t sent_ms, int64_t now_ms);
/* From now on we are no leader, whatever the record says. */
void election_resign(struct election *x);

/* The holder that was last seen, "" when nobody holds it. */
const char *election_holder(const struct election *x);
bool election_is_ours(const struct election *x);
/* Nobody holds it, we do, or its holder has been silent for too long. */
bool election_may_claim(const struct election *x, int64_t now_ms);
/* Ours, and so fresh that a claim needs no look at it first. */
bool election_may_renew_unseen(const struct election *x, int64_t now_ms);
/* We won, and renewed within renew_ms: others still wait at least lease_ms - renew_ms. */
bool election_is_leading(const struct election *x, int64_t now_ms);

/* The Lease that says that we hold it; to create when none was seen, else to replace that one. */
json_t *election_claim(const struct election *x, int64_t wall_us) MUST_CHECK RETURNS_NONNULL;
/* The Lease that was seen, given back. */
json_t *election_release(const struct election *x, int64_t wall_us) MUST_CHECK RETURNS_NONNULL;

#endif
