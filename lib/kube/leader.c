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
    struct loop_source *overdue; /* the running request has had its time */
    struct loop_source *expiry;  /* we lead, and have not renewed for too long */
    struct kube_call *call;
    int64_t sent_ms;
    uint64_t slow_paths;
    bool is_unseen; /* the running claim was sent without a look at the record */
    bool is_told;   /* that we lead */
    char *other;    /* the holder that was told last; "" = none */
    /* leader_release */
    int release_tries; /* left; 0 = it was not called */
    bool may_be_ours;  /* a request was on its way that may have taken it */
    void (*on_released)(void *context);
    void *released_context;
};

static void look(struct leader *l);

/* ---- requests ---- */
/* A request that hangs must leave time for another one before the lease is lost. */
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

static void no_call(struct leader *l)
{
    l->call = NULL;
    loop_timer_set(l->overdue, -1);
}

static void cancel(struct leader *l)
{
    kube_call_cancel(l->call);
    no_call(l);
}

/* ---- tries ---- */
static void lose(struct leader *l)
{
    cancel(l);
    loop_timer_set(l->next, -1);
    loop_timer_set(l->expiry, -1);
    election_resign(&l->election);
    l->is_told = false;
    l->listener.on_lost(l->listener.context);
}

/* Candidates spread out, so that they do not all ask at once. */
static int64_t pause_ms(const struct leader *l)
{
    int64_t retry_ms = l->election.timing.retry_ms;
    uint32_t random = 0;
    if (l->is_told || getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
        return retry_ms;
    return retry_ms + (int64_t)(random % (uint64_t)(retry_ms * 12 / 10 + 1));
}

/* Whoever leads leaves time for another try, whatever was asked for. */
static void try_later(struct leader *l, int64_t least_ms)
{
    int64_t delay_ms = pause_ms(l), most_ms = l->election.timing.renew_ms / 2;
    if (l->is_told && least_ms > most_ms)
        least_ms = most_ms;
    loop_timer_set(l->next, delay_ms > least_ms ? delay_ms : least_ms);
}

static void on_failed(struct leader *l, const struct kube_answer *answer, const struct err *e)
{
    l->listener.on_trouble(l->listener.context, e);
    try_later(l, answer->retry_after_ms);
}

static void on_won(struct leader *l, const json_t *lease)
{
    int64_t now_ms = clock_boot_ms(), left_ms = l->sent_ms + l->election.timing.renew_ms - now_ms;
    election_win(&l->election, lease, l->sent_ms, now_ms);
    loop_timer_set(l->expiry, left_ms > 0 ? left_ms : 0);
    if (!l->is_told) {
        l->is_told = true;
        l->listener.on_elected(l->listener.context);
    }
    try_later(l, 0);
}

static void on_claimed(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct leader *l = context;
    no_call(l);
    if (e == NULL)
        on_won(l, answer->object);
    else if (l->is_unseen && e->code != ERR_THROTTLED)
        look(l);
    else
        on_failed(l, answer, e);
}

static void claim(struct leader *l, bool is_unseen)
{
    json_t *body CLEANUP(js_free) = election_claim(&l->election, clock_wall_us());
    l->is_unseen = is_unseen;
    send(l, l->election.lease == NULL ? "POST" : "PUT", body, on_claimed);
}

static void tell_other(struct leader *l)
{
    const char *holder = election_holder(&l->election);
    if (strcmp(l->other, holder) == 0)
        return;
    free(l->other);
    l->other = xstrdup(holder);
    l->listener.on_other(l->listener.context, holder);
}

static void on_seen(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct leader *l = context;
    int64_t now_ms = clock_boot_ms();
    no_call(l);
    if (e != NULL && e->code != ERR_NOT_FOUND) {
        on_failed(l, answer, e);
        return;
    }
    election_observe(&l->election, e == NULL ? answer->object : NULL, now_ms);
    if (election_may_claim(&l->election, now_ms)) {
        claim(l, false);
        return;
    }
    tell_other(l);
    if (l->is_told)
        lose(l);
    else
        try_later(l, 0);
}

static void look(struct leader *l)
{
    l->slow_paths += l->is_told;
    send(l, "GET", NULL, on_seen);
}

static void on_next(void *context)
{
    struct leader *l = context;
    int64_t now_ms = clock_boot_ms();
    if (l->is_told && !election_is_leading(&l->election, now_ms))
        lose(l);
    else if (election_may_renew_unread(&l->election, now_ms) && l->is_told)
        claim(l, true);
    else
        look(l);
}

static void on_overdue(void *context)
{
    struct leader *l = context;
    struct kube_answer none = {0};
    struct err e CLEANUP(err_fini) = {0};
    cancel(l);
    err_set(&e, ERR_TIMED_OUT, l->election.name, "no answer about the Lease within %lld ms",
            (long long)l->election.timing.renew_ms / 2);
    on_failed(l, &none, &e);
}

static void on_expiry(void *context)
{
    struct leader *l = context;
    if (l->is_told)
        lose(l);
}

/* ---- giving it back ---- */
static void released(struct leader *l)
{
    cancel(l);
    l->on_released(l->released_context);
}

static void on_given_back(void *context, const struct kube_answer *answer, const struct err *e);

static void on_seen_last(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct leader *l = context;
    no_call(l);
    if (e != NULL) {
        l->listener.on_trouble(l->listener.context, e);
        released(l);
        return;
    }
    election_observe(&l->election, answer->object, clock_boot_ms());
    if (!election_is_ours(&l->election)) {
        released(l);
        return;
    }
    json_t *body CLEANUP(js_free) = election_release(&l->election, clock_wall_us());
    send(l, "PUT", body, on_given_back);
}

/* A renewal that was on its way may have come in between. */
static void on_given_back(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct leader *l = context;
    (void)answer;
    no_call(l);
    if (e != NULL && e->code == ERR_CONFLICT && --l->release_tries > 0) {
        send(l, "GET", NULL, on_seen_last);
        return;
    }
    if (e != NULL)
        l->listener.on_trouble(l->listener.context, e);
    released(l);
}

static void on_release_due(void *context)
{
    struct leader *l = context;
    if (election_is_ours(&l->election) || l->may_be_ours)
        send(l, "GET", NULL, on_seen_last);
    else
        released(l);
}

static void on_release_overdue(void *context)
{
    released(context);
}

void leader_release(struct leader *l, void (*on_released)(void *context), void *context)
{
    l->may_be_ours = l->call != NULL;
    cancel(l);
    election_resign(&l->election);
    l->is_told = false;
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
    l->other = xstrdup("");
    election_init(&l->election, config->ns, config->name, config->identity, &config->timing);
    l->next = loop_add_timer(loop, on_next, l);
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
    free(l->other);
    free(l);
}

bool leader_is_leading(const struct leader *l)
{
    return l->is_told && election_is_leading(&l->election, clock_boot_ms());
}

uint64_t leader_slow_paths(const struct leader *l)
{
    return l->slow_paths;
}
