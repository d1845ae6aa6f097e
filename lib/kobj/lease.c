#include "kobj/lease.h"

#include <string.h>

#include "base/rfc3339.h"
#include "data/js.h"

#include "base/banned.h"

int lease_timing_check(const struct lease_timing *t, struct err *e)
{
    if (t->retry_ms <= 0 || t->renew_ms * 10 <= t->retry_ms * 12 || t->lease_ms <= t->renew_ms)
        return FAIL(
            e, ERR_INVALID,
            "the lease duration (%lld ms) must be greater than the renew deadline (%lld ms), and that "
            "greater than 1.2 times the retry period (%lld ms)",
            (long long)t->lease_ms, (long long)t->renew_ms, (long long)t->retry_ms);
    return 0;
}

void election_init(struct election *x, const char *ns, const char *name, const char *identity,
                   const struct lease_timing *timing)
{
    *x = (struct election){.ns = ns, .name = name, .identity = identity, .timing = *timing, .renewed_ms = -1};
}

void election_fini(struct election *x)
{
    json_decref(x->lease);
    x->lease = NULL;
}

void election_observe(struct election *x, const json_t *lease, int64_t now_ms)
{
    json_t *copy = lease == NULL ? NULL : json_deep_copy(lease);
    const json_t *before = js_at(x->lease, "spec"), *after = js_at(copy, "spec");
    if (copy == NULL || before == NULL || after == NULL || !json_equal(before, after))
        x->seen_ms = now_ms;
    json_object_del(json_object_get(copy, "metadata"), "managedFields");
    json_decref(x->lease);
    x->lease = copy;
}

void election_win(struct election *x, const json_t *lease, int64_t sent_ms, int64_t now_ms)
{
    election_observe(x, lease, now_ms);
    x->renewed_ms = sent_ms;
}

void election_resign(struct election *x)
{
    x->renewed_ms = -1;
}

const char *election_holder(const struct election *x)
{
    return js_text(x->lease, "spec.holderIdentity");
}

bool election_is_ours(const struct election *x)
{
    return strcmp(election_holder(x), x->identity) == 0;
}

static bool has_expired(const struct election *x, int64_t now_ms)
{
    return now_ms - x->seen_ms >= js_int(x->lease, "spec.leaseDurationSeconds", 0) * 1000;
}

bool election_may_claim(const struct election *x, int64_t now_ms)
{
    return *election_holder(x) == '\0' || election_is_ours(x) || has_expired(x, now_ms);
}

bool election_may_renew_unread(const struct election *x, int64_t now_ms)
{
    return x->lease != NULL && election_is_ours(x) && !has_expired(x, now_ms);
}

bool election_is_leading(const struct election *x, int64_t now_ms)
{
    return x->renewed_ms >= 0 && now_ms - x->renewed_ms < x->timing.renew_ms;
}

/* The observed Lease, or a new one, with this spec. */
static json_t *with_spec(const struct election *x, json_t *spec)
{
    json_t *lease = x->lease != NULL
                        ? json_copy(x->lease)
                        : json_pack("{s:s, s:s, s:{s:s, s:s}}", "apiVersion", "coordination.k8s.io/v1",
                                    "kind", "Lease", "metadata", "name", x->name, "namespace", x->ns);
    json_object_set_new(lease, "spec", spec);
    return lease;
}

json_t *election_claim(const struct election *x, int64_t wall_us)
{
    char now[RFC3339_SIZE];
    int64_t transitions = js_int(x->lease, "spec.leaseTransitions", 0);
    const char *acquired = js_text(x->lease, "spec.acquireTime");
    rfc3339_format_micros(wall_us, now);
    if (!election_is_ours(x)) {
        transitions += x->lease != NULL;
        acquired = now;
    }
    return with_spec(x, json_pack("{s:s, s:I, s:s, s:s, s:I}", "holderIdentity", x->identity,
                                  "leaseDurationSeconds", (json_int_t)(x->timing.lease_ms / 1000),
                                  "acquireTime", *acquired != '\0' ? acquired : now, "renewTime", now,
                                  "leaseTransitions", (json_int_t)transitions));
}

json_t *election_release(const struct election *x, int64_t wall_us)
{
    char now[RFC3339_SIZE];
    rfc3339_format_micros(wall_us, now);
    return with_spec(x, json_pack("{s:s, s:i, s:s, s:s, s:I}", "holderIdentity", "", "leaseDurationSeconds",
                                  1, "acquireTime", now, "renewTime", now, "leaseTransitions",
                                  (json_int_t)js_int(x->lease, "spec.leaseTransitions", 0)));
}
