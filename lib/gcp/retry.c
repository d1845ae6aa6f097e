#include "gcp/retry.h"

#include <unistd.h>

#include "os/log.h"
#include "os/loop.h"

#include "base/banned.h"

enum { POLL_MS = 100 };

void gcp_retry_init(struct gcp_retry *t, const struct gcp_retry_policy *policy)
{
    *t = (struct gcp_retry){.policy = policy,
                            .message = "retrying a request",
                            .backoff = BACKOFF(policy->first_ms, policy->most_ms)};
    gcp_retry_renew(t);
}

void gcp_retry_renew(struct gcp_retry *t)
{
    backoff_reset(&t->backoff);
    t->deadline_ms = clock_boot_ms() + t->policy->total_ms;
}

/* -1 when it was cancelled meanwhile. */
static int sleep_until(const struct gcp_retry *t, int64_t until_ms)
{
    for (;;) {
        int64_t left_ms = until_ms - clock_boot_ms();
        if (t->is_cancelled != NULL && atomic_load(t->is_cancelled))
            return -1;
        if (left_ms <= 0)
            return 0;
        usleep((useconds_t)(left_ms < POLL_MS ? left_ms : POLL_MS) * 1000);
    }
}

/* When the server asks for more than the time that is left, the last try comes at its end. */
static int64_t next_try_ms(struct gcp_retry *t, const struct http_response *r)
{
    int64_t now_ms = clock_boot_ms(), until_ms = now_ms + backoff_next_ms(&t->backoff);
    int64_t asked = r == NULL ? -1 : http_response_retry_after(r, clock_wall_us());
    int64_t asked_ms = now_ms + asked * 1000;
    if (asked_ms <= until_ms || until_ms >= t->deadline_ms)
        return until_ms;
    return asked_ms < t->deadline_ms ? asked_ms : t->deadline_ms - 1;
}

int gcp_retry_wait(struct gcp_retry *t, const struct http_response *r, struct err *e)
{
    int64_t until_ms = next_try_ms(t, r);
    if (until_ms >= t->deadline_ms)
        return -1;
    if (backoff_should_log(&t->backoff, e->code))
        log_failure(LOG_LEVEL_WARNING, e, t->message, t->remedy == NULL ? NULL : "remedy",
                    t->remedy == NULL ? NULL : t->remedy(e->code), NULL);
    if (sleep_until(t, until_ms) < 0)
        return -1;
    err_fini(e);
    return 0;
}
