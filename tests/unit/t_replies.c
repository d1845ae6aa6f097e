/*
 * The table of replies: each request meets each status and each fault, once and every time, and what comes of
 * it is what gcp/replies.def says. A new row is met by itself; a new fault must be played in reply_faults.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agentapi/failures.h"
#include "base/alloc.h"
#include "os/log.h"
#include "os/loop.h"
#include "reply_faults.h"
#include "reply_requests.h"

#include "base/banned.h"

/* Once: there is time for any number of tries. Every time: the test waits for the end. A machine that is busy
 * gets more time, up to LONGEST_MS, until there was a second try. */
enum {
    PATIENT_MS = 30000,
    SHORTEST_MS = 10,
    LONGEST_MS = 10240,
    TRY_MS = 10000,
    STALL_MS = 100,
    TRIES_MAX = 100
};

/* What one request meets: a status or a fault, once or every time. */
struct encounter {
    const struct reply_request *q;
    int event;
    struct fake_fault fault;
    bool is_always;
    const char *token_match; /* it is the request for a token that fails; NULL: the request itself */
};

struct outcome {
    int result;
    enum err_code code;
    int hits;     /* how often the fault was met */
    int look_ups; /* how often the object's metadata was read; counted for what may have created it */
};

static void meet(const struct encounter *x, int total_ms, struct outcome *ret)
{
    struct reply_server s;
    struct err e CLEANUP(err_fini) = {0};
    struct gcp_retry_policy policy = {.first_ms = 1,
                                      .most_ms = 4,
                                      .total_ms = total_ms,
                                      .try_ms = x->event == REPLY_STALLED ? STALL_MS : TRY_MS};
    reply_server_start(&s, policy);
    struct fake_fault *faults = s.fake.faults;
    faults[0] = x->fault;
    faults[0].times = x->is_always ? ALWAYS : 1;
    faults[0].match = x->token_match != NULL ? x->token_match : x->q->match;
    if (x->is_always && x->q->also != NULL && x->token_match == NULL) {
        faults[1] = faults[0];
        faults[1].match = x->q->also;
    }
    faults[2] = x->q->prelude;
    if ((x->q->kind & REPLY_CREATED) != 0)
        faults[3] = (struct fake_fault){.match = "GET /storage/", .times = ALWAYS};
    ret->result = x->q->run(&s, &e);
    ret->code = e.code;
    ret->hits = faults[0].hits + faults[1].hits;
    ret->look_ups = faults[3].hits;
    assert_int_equal(ret->result < 0, e.code != ERR_NONE);
    if (ret->result < 0 && (e.text == NULL || *e.text == '\0'))
        fail_msg("%s: event %d has no words", x->q->name, x->event);
    reply_server_stop(&s);
}

/* The code that the rule leads to, in the terms of who asks. */
static enum err_code code_of(const struct encounter *x)
{
    enum err_code code = reply_rule(x->q->kind, x->event).code;
    bool is_decrypting = strcmp(x->q->name, "decrypt") == 0;
    if (x->q->kind == REPLY_KMS && code == ERR_DENIED)
        return ERR_KEY_ACCESS_DENIED;
    if (x->q->kind == REPLY_KMS && code == ERR_NOT_FOUND)
        return ERR_KEY_NOT_FOUND;
    if (is_decrypting && x->event == 400)
        return ERR_KEY_REJECTED;
    if (code != ERR_NONE)
        return code;
    if (x->event == REPLY_NO_TOKEN)
        return ERR_METADATA_UNAVAILABLE;
    return x->event == REPLY_STALLED ? ERR_TIMED_OUT : ERR_UNAVAILABLE;
}

static void must_end_as(const struct encounter *x, const struct outcome *got, bool is_success)
{
    enum err_code code = is_success ? ERR_NONE : code_of(x);
    if ((got->result == 0) != is_success || got->code != code)
        fail_msg("%s meets event %d %s (fault %d): ended with \"%s\" after %d times, not with \"%s\"",
                 x->q->name, x->event, x->is_always ? "every time" : "once", x->event - REPLY_STATUS_MAX,
                 err_code_name(got->code), got->hits, err_code_name(code));
    if (got->hits < 1 || got->hits > TRIES_MAX)
        fail_msg("%s: event %d was met %d times", x->q->name, x->event, got->hits);
    if (reply_rule(x->q->kind, x->event).action == REPLY_LOOK_UP && got->look_ups == 0)
        fail_msg("%s: after event %d nobody looked whether the object was stored", x->q->name, x->event);
    if (!is_success && failure_of_code(code)->failure_class == CLASS_Security)
        fail_msg("%s: event %d raises the security alert", x->q->name, x->event);
}

/* The least number of times that it must be met every time. A stall is as long as the time that there is. */
static int least_hits(const struct encounter *x)
{
    bool is_repeated = reply_rule(x->q->kind, x->event).action == REPLY_AGAIN;
    return is_repeated && x->event != REPLY_STALLED ? 2 : 1;
}

/* Every time: it ends soon after the deadline, and only after more than one try. */
static void meet_always(struct encounter x, bool is_success)
{
    struct outcome got;
    int total_ms = SHORTEST_MS;
    x.is_always = true;
    do {
        meet(&x, total_ms, &got);
        total_ms *= 4;
    } while (got.hits < least_hits(&x) && total_ms <= LONGEST_MS);
    must_end_as(&x, &got, is_success);
    if (got.hits < least_hits(&x))
        fail_msg("%s: event %d was not tried again", x.q->name, x.event);
}

static void meet_once(struct encounter x, bool is_success)
{
    struct outcome got;
    meet(&x, PATIENT_MS, &got);
    must_end_as(&x, &got, is_success);
    if (got.hits != 1)
        fail_msg("%s: event %d was met %d times", x.q->name, x.event, got.hits);
}

/* ---- statuses ---- */

/* Every border of a range of statuses in the table, and some between them. */
static const int STATUSES[] = {
#define ON_STATUS(kind, first, last, action, code) (first), (last),
#include "gcp/replies.def"
#undef ON_STATUS
    204, 302, 304, 307, 418, 451, 502, 503, 504,
};

static atomic_int said_status;

/* The request is carried out, and then... */
static void say_status(struct exchange *x)
{
    x->status = atomic_load(&said_status);
    strbuf_clear(&x->reply);
    strbuf_clear(&x->reply_headers);
}

/* libcurl takes no other for an answer. */
static bool is_final_status(int status)
{
    return status >= 200 && status <= 599;
}

static bool is_met_before(size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (STATUSES[i] == STATUSES[at])
            return true;
    return false;
}

static void meet_status(const struct reply_request *q, int status)
{
    enum reply_action action = reply_rule(q->kind, status).action;
    struct encounter refused = {.q = q, .event = status, .fault = {.status = status}};
    struct encounter done = {.q = q, .event = status, .fault = {.after = say_status}};
    bool may_recover = action == REPLY_AGAIN || action == REPLY_LOOK_UP;
    if (action == REPLY_ACCEPT)
        return; /* what is accepted has faults of its own, if any */
    atomic_store(&said_status, status);
    meet_once(refused, may_recover);
    meet_always(refused, action == REPLY_LOOK_UP && q->kind == REPLY_ASK); /* it asks about what is done */
    if (action == REPLY_LOOK_UP) {
        meet_once(done, true);
        meet_always(done, true);
    }
}

static void every_request_meets_every_status(void **state)
{
    (void)state;
    for (size_t q = 0; q < REPLY_REQUESTS; q++)
        for (size_t i = 0; i < ARRAY_LEN(STATUSES); i++)
            if (is_final_status(STATUSES[i]) && !is_met_before(i))
                meet_status(&reply_requests[q], STATUSES[i]);
}

/* ---- faults ---- */
static void meet_fault(const struct reply_request *q, const struct played_fault *f)
{
    enum reply_action action = reply_rule(q->kind, f->fault).action;
    struct encounter x = {.q = q, .event = f->fault, .fault = {.after = f->play}};
    meet_once(x, action == REPLY_AGAIN || action == REPLY_LOOK_UP);
    meet_always(x, action == REPLY_LOOK_UP);
}

static void every_request_meets_every_fault(void **state)
{
    (void)state;
    for (size_t q = 0; q < REPLY_REQUESTS; q++)
        for (size_t i = 0; i < played_fault_count; i++)
            if ((played_faults[i].kinds & reply_requests[q].kind) != 0)
                meet_fault(&reply_requests[q], &played_faults[i]);
}

/* Two faults are no reply's: their tests follow. INSECURE needs a server with TLS (tests/integration/worker).
 */
static void every_fault_of_the_table_is_played(void **state)
{
    static const struct {
        unsigned kinds;
        int fault;
    } ROWS[] = {
#define ON_FAULT(kind, fault, action, code) {REPLY_##kind, REPLY_##fault},
#include "gcp/replies.def"
#undef ON_FAULT
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        unsigned played = 0;
        for (size_t k = 0; k < played_fault_count; k++)
            played |= played_faults[k].fault == ROWS[i].fault ? played_faults[k].kinds : 0;
        bool is_apart =
            ROWS[i].fault == REPLY_OURS || ROWS[i].fault == REPLY_NO_TOKEN || ROWS[i].fault == REPLY_INSECURE;
        if (!is_apart && (ROWS[i].kinds & ~played) != 0)
            fail_msg("row %zu of the faults is not played for the kinds %#x", i, ROWS[i].kinds & ~played);
    }
}

static void every_kind_is_asked_for(void **state)
{
    unsigned asked = REPLY_PUBLISH; /* whose answers are the notifier's (t_notifier) */
    (void)state;
    for (size_t q = 0; q < REPLY_REQUESTS; q++)
        asked |= reply_requests[q].kind;
    assert_int_equal(asked, REPLY_ANY);
}

static bool needs_token(const struct reply_request *q)
{
    return (q->kind & REPLY_TOKENS) == 0;
}

static void no_token_is_waited_for_by_every_request(void **state)
{
    (void)state;
    for (size_t q = 0; q < REPLY_REQUESTS; q++) {
        struct encounter x = {.q = &reply_requests[q],
                              .event = REPLY_NO_TOKEN,
                              .fault = {.status = 503},
                              .token_match = "/computeMetadata/"};
        if (needs_token(&reply_requests[q])) {
            meet_once(x, true);
            meet_always(x, false);
        }
    }
}

static void a_cancelled_request_is_not_made(void **state)
{
    static const atomic_bool yes = true;
    (void)state;
    for (size_t q = 0; q < REPLY_REQUESTS; q++) {
        struct reply_server s;
        struct err e CLEANUP(err_fini) = {0};
        if (!needs_token(&reply_requests[q]))
            continue;
        reply_server_start(&s, GCP_RETRY_POLICY);
        s.fake.config.is_cancelled = &yes;
        assert_int_equal(reply_requests[q].run(&s, &e), -1);
        assert_int_equal(e.code, ERR_CANCELLED);
        assert_int_equal(s.fake.requests, 0);
        reply_server_stop(&s);
    }
}

static int set_up(void **state)
{
    log_set_level(LOG_LEVEL_ERROR);
    return loopback_set_up(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_meets_every_status),
        cmocka_unit_test(every_request_meets_every_fault),
        cmocka_unit_test(every_fault_of_the_table_is_played),
        cmocka_unit_test(every_kind_is_asked_for),
        cmocka_unit_test(no_token_is_waited_for_by_every_request),
        cmocka_unit_test(a_cancelled_request_is_not_made),
    };
    return cmocka_run_group_tests_name("replies", tests, set_up, NULL);
}
