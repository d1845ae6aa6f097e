#include "kube/leader.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "data/js.h"
#include "os/loop.h"

#include "base/banned.h"

enum { RELEASE_TRIES = 4 };

struct leader {
    struct loop *loop;
    struct kube_client *client;
    struct leader_listener listener;
    struct election election;
    struct loop_source *next;    /* the next try */
    struct loop_source *overdue; /* the request in flight takes too long */
    struct loop_source *expiry;  /* we lead, and have not renewed within renew_ms */
    struct kube_call *call;
    int64_t sent_ms;
    uint64_t slow_paths;
    bool is_unread;         /* the claim in flight was sent without reading the Lease first */
    bool is_announced;      /* on_elected was called, and on_lost was not */
    char *announced_holder; /* of the last on_new_leader; "": none */
    /* leader_release */
    int release_tries; /* left; 0: it was not called */
    bool may_be_ours;  /* a claim was in flight that may have succeeded */
    void (*on_released)(void *context);
    void *released_context;
};

static void read_lease(struct leader *l);

/* ---- requests ---- */
/* A request that hangs must leave time for another one before the lease expires. */
static void send(struct leader *l, const char *method, const json_t *body, kube_done_fn *on_done)
{
    const struct election *x = &l->election;
    bool is_create = strcmp(method, "POST") == 0;
    char *path CLEANUP(cleanup_free) = xasprintf(LEASE_API_PATH "/namespaces/%s/leases%s%s", x->ns,
                                                 is_create ? "" : "/", is_create ? "" : x->name);
    l->sent_ms = clock_boot_ms();
    l->call = kube_start(l->client, method, path, body, on_done, l);
    loop_timer_set(l->overdue, x->timing.renew_ms / 2);
}

static void end_call(struct leader *l)
{
    l->call = NULL;
    loop_timer_set(l->overdue, -1);
}

static void cancel(struct leader *l)
{
    kube_call_cancel(l->call);
    end_call(l);
}

/* ---- tries ---- */
static void stop_leading(struct leader *l)
{
    cancel(l);
    loop_timer_set(l->next, -1);
    loop_timer_set(l->expiry, -1);
    election_resign(&l->election);
    l->is_announced = false;
    l->listener.on_lost(l->listener.context);
}

/* Jitter for candidates, so that they do not all send requests at the same time. */
static int64_t pause_ms(const struct leader *l)
{
    int64_t retry_ms = l->election.timing.retry_ms;
    uint32_t random = 0;
    if (l->is_announced || getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
        return retry_ms;
    return retry_ms + (int64_t)(random % (uint64_t)(retry_ms * 12 / 10 + 1));
}

/* A leader leaves time for another try, even if the server asked for a longer pause. */
static void schedule_try(struct leader *l, int64_t least_ms)
{
    int64_t delay_ms = pause_ms(l), most_ms = l->election.timing.renew_ms / 2;
    if (l->is_announced && least_ms > most_ms)
        least_ms = most_ms;
    loop_timer_set(l->next, delay_ms > least_ms ? delay_ms : least_ms);
}

static void on_failed(struct leader *l, const struct kube_answer *answer, const struct err *e)
{
    l->listener.on_error(l->listener.context, e);
    schedule_try(l, answer->retry_after_ms);
}

static void on_won(struct leader *l, const json_t *lease)
{
    int64_t now_ms = clock_boot_ms(), left_ms = l->sent_ms + l->election.timing.renew_ms - now_ms;
    election_win(&l->election, lease, l->sent_ms, now_ms);
    loop_timer_set(l->expiry, left_ms > 0 ? left_ms : 0);
    if (!l->is_announced) {
        l->is_announced = true;
        l->listener.on_elected(l->listener.context);
    }
    schedule_try(l, 0);
}

static void on_claimed(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct leader *l = context;
    end_call(l);
    if (e == NULL)
        on_won(l, answer->object);
    else if (l->is_unread && e->code != ERR_THROTTLED)
        read_lease(l);
    else
        on_failed(l, answer, e);
}

static void claim(struct leader *l, bool is_unread)
{
    json_t *body CLEANUP(js_free) = election_claim(&l->election, clock_wall_us());
    l->is_unread = is_unread;
    send(l, l->election.lease == NULL ? "POST" : "PUT", body, on_claimed);
}

static void announce_holder(struct leader *l)
{
    const char *holder = election_holder(&l->election);
    if (strcmp(l->announced_holder, holder) == 0)
        return;
    free(l->announced_holder);
    l->announced_holder = xstrdup(holder);
    l->listener.on_new_leader(l->listener.context, holder);
}

static void on_read(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct leader *l = context;
    int64_t now_ms = clock_boot_ms();
    end_call(l);
    if (e != NULL && e->code != ERR_NOT_FOUND) {
        on_failed(l, answer, e);
        return;
    }
    election_observe(&l->election, e == NULL ? answer->object : NULL, now_ms);
    if (election_may_claim(&l->election, now_ms)) {
        claim(l, false);
        return;
    }
    announce_holder(l);
    if (l->is_announced)
        stop_leading(l);
    else
        schedule_try(l, 0);
}

static void read_lease(struct leader *l)
{
    l->slow_paths += l->is_announced;
    send(l, "GET", NULL, on_read);
}

static void on_try(void *context)
{
    struct leader *l = context;
    int64_t now_ms = clock_boot_ms();
    if (l->is_announced && !election_is_leading(&l->election, now_ms))
        stop_leading(l);
    else if (election_may_renew_unread(&l->election, now_ms) && l->is_announced)
        claim(l, true);
    else
        read_lease(l);
}

static void on_overdue(void *context)
{
    struct leader *l = context;
    struct kube_answer none = {0};
    struct err e CLEANUP(err_fini) = {0};
    cancel(l);
    err_set(&e, ERR_TIMED_OUT, l->election.name, "no response to a request for the Lease within %lld ms",
            (long long)l->election.timing.renew_ms / 2);
    on_failed(l, &none, &e);
}

static void on_expiry(void *context)
{
    struct leader *l = context;
    if (l->is_announced)
        stop_leading(l);
}

/* ---- releasing ---- */
static void finish_release(struct leader *l)
{
    cancel(l);
    l->on_released(l->released_context);
}

static void on_release_written(void *context, const struct kube_answer *answer, const struct err *e);

static void on_read_to_release(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct leader *l = context;
    end_call(l);
    if (e != NULL) {
        l->listener.on_error(l->listener.context, e);
        finish_release(l);
        return;
    }
    election_observe(&l->election, answer->object, clock_boot_ms());
    if (!election_is_ours(&l->election)) {
        finish_release(l);
        return;
    }
    json_t *body CLEANUP(js_free) = election_release(&l->election, clock_wall_us());
    send(l, "PUT", body, on_release_written);
}

/* On a conflict, a renewal that was in flight has been carried out in between. */
static void on_release_written(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct leader *l = context;
    (void)answer;
    end_call(l);
    if (e != NULL && e->code == ERR_CONFLICT && --l->release_tries > 0) {
        send(l, "GET", NULL, on_read_to_release);
        return;
    }
    if (e != NULL)
        l->listener.on_error(l->listener.context, e);
    finish_release(l);
}

static void on_release_due(void *context)
{
    struct leader *l = context;
    if (election_is_ours(&l->election) || l->may_be_ours)
        send(l, "GET", NULL, on_read_to_release);
    else
        finish_release(l);
}

static void on_release_overdue(void *context)
{
    finish_release(context);
}

void leader_release(struct leader *l, void (*on_released)(void *context), void *context)
{
    l->may_be_ours = l->call != NULL;
    cancel(l);
    election_resign(&l->election);
    l->is_announced = false;
    l->release_tries = RELEASE_TRIES;
    l->on_released = on_released;
    l->released_context = context;
    loop_source_free(l->next);
    loop_source_free(l->overdue);
    loop_timer_set(l->expiry, -1);
    l->next = loop_add_timer(l->loop, on_release_due, l);
    l->overdue = loop_add_timer(l->loop, on_release_overdue, l);
    loop_timer_set(l->next, 0);
}

/* ---- life ---- */
struct leader *leader_new(struct loop *loop, struct kube_client *client, const struct leader_config *config,
                          const struct leader_listener *listener)
{
    struct leader *l = xcalloc(1, sizeof(*l));
    l->loop = loop;
    l->client = client;
    l->listener = *listener;
    l->announced_holder = xstrdup("");
    election_init(&l->election, config->ns, config->name, config->identity, &config->timing);
    l->next = loop_add_timer(loop, on_try, l);
    l->overdue = loop_add_timer(loop, on_overdue, l);
    l->expiry = loop_add_timer(loop, on_expiry, l);
    loop_timer_set(l->next, 0);
    return l;
}

void leader_free(struct leader *l)
{
    if (l == NULL)
        return;
    kube_call_cancel(l->call);
    loop_source_free(l->next);
    loop_source_free(l->overdue);
    loop_source_free(l->expiry);
    election_fini(&l->election);
    free(l->announced_holder);
    free(l);
}

bool leader_is_leading(const struct leader *l)
{
    return l->is_announced && election_is_leading(&l->election, clock_boot_ms());
}

uint64_t leader_slow_paths(const struct leader *l)
{
    return l->slow_paths;
}
