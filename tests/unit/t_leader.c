/* A Lease and how long to wait, against an API server of a few lines on the same loop. */
#include "kube/leader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "apiserver.h"
#include "os/loop.h"

#include "base/banned.h"

#define LEASE                                                                                                \
    "{\"metadata\":{\"name\":\"l\",\"namespace\":\"n\",\"resourceVersion\":\"1\"},"                          \
    "\"spec\":{\"holderIdentity\":\"me\",\"leaseDurationSeconds\":3}}"
#define STATUS "{\"kind\":\"Status\",\"message\":\"come again\"}"

static const struct leader_config config = {
    "n", "l", "me", {.lease_ms = 3000, .renew_ms = 2000, .retry_ms = 100}};

struct candidate {
    struct apiserver server;
    struct leader *leader;
    int elected, lost, troubles;
    int64_t retry_after_ms;
};

static void on_elected(void *context)
{
    ((struct candidate *)context)->elected++;
}

static void on_lost(void *context)
{
    ((struct candidate *)context)->lost++;
}

static void on_new_leader(void *context, const char *identity)
{
    (void)context;
    fail_msg("%s leads", identity);
}

static void on_error(void *context, const struct err *e)
{
    (void)e;
    ((struct candidate *)context)->troubles++;
}

/* It has found no Lease and is about to claim it. */
static void candidate_init(struct candidate *c)
{
    const struct leader_listener listener = {on_elected, on_lost, on_new_leader, on_error, c};
    *c = (struct candidate){.elected = 0};
    apiserver_init(&c->server);
    c->leader = leader_new(c->server.loop, c->server.client, &config, &listener);
    apiserver_answer(apiserver_next(&c->server), "404 Not Found", STATUS);
}

static void candidate_fini(struct candidate *c)
{
    leader_free(c->leader);
    apiserver_fini(&c->server);
}

/* A proxy in between is asked for an hour's rest: whoever leads asks again while it still does. */
static void a_leader_asks_again_before_its_time_is_up(void **state)
{
    struct candidate c;
    (void)state;
    candidate_init(&c);
    struct visit *claim = apiserver_next(&c.server);
    assert_memory_equal(claim->text, "POST ", 5);
    apiserver_answer(claim, "201 Created", LEASE);
    struct visit *renewal = apiserver_next(&c.server);
    assert_int_equal(c.elected, 1);
    assert_memory_equal(renewal->text, "PUT ", 4);
    apiserver_answer(renewal, "429 Too Many Requests\r\nRetry-After: 3600", STATUS);
    (void)!apiserver_next(&c.server);
    assert_int_equal(c.troubles, 1);
    assert_int_equal(c.lost, 0);
    assert_true(leader_is_leading(c.leader));
    candidate_fini(&c);
}

static void on_released(void *context)
{
    struct candidate *c = context;
    loop_stop(c->server.loop, 0);
}

/* Whoever ends while it takes the Lease must not leave it to expire. */
static void a_claim_on_its_way_is_given_back(void **state)
{
    struct candidate c;
    (void)state;
    candidate_init(&c);
    assert_memory_equal(apiserver_next(&c.server)->text, "POST ", 5); /* and was taken, but nobody hears it */
    leader_release(c.leader, on_released, &c);
    struct visit *look = apiserver_next(&c.server);
    assert_memory_equal(look->text, "GET ", 4);
    apiserver_answer(look, "200 OK", LEASE);
    struct visit *release = apiserver_next(&c.server);
    assert_memory_equal(release->text, "PUT ", 4);
    assert_non_null(strstr(release->text, "\"holderIdentity\":\"\""));
    apiserver_answer(release, "200 OK", LEASE);
    loop_run(c.server.loop);
    assert_int_equal(c.elected, 0);
    candidate_fini(&c);
}

static void on_answered(void *context, const struct kube_answer *answer, const struct err *e)
{
    struct candidate *c = context;
    assert_non_null(e);
    c->retry_after_ms = answer->retry_after_ms;
    loop_stop(c->server.loop, 0);
}

static void nobody_is_made_to_wait_for_ever(void **state)
{
    static const struct {
        const char *head;
        int64_t wait_ms;
    } cases[] = {
        {"503 Service Unavailable\r\nRetry-After: 7", 7000},
        {"503 Service Unavailable\r\nRetry-After: 86400", 60000},
        {"503 Service Unavailable\r\nRetry-After: 99999999999999999999", 0},
        {"503 Service Unavailable\r\nRetry-After: -3", 0},
        {"503 Service Unavailable\r\nRetry-After: Fri, 01 Jan 2100 00:00:00 GMT", 60000},
        {"503 Service Unavailable\r\nRetry-After: Fri, 01 Jan 1999 00:00:00 GMT", 0},
        {"503 Service Unavailable", 0},
    };
    struct candidate c = {.elected = 0};
    (void)state;
    apiserver_init(&c.server);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        (void)!kube_start(c.server.client, "GET", "/x", NULL, on_answered, &c);
        apiserver_answer(apiserver_next(&c.server), cases[i].head, STATUS);
        loop_run(c.server.loop);
        assert_int_equal(c.retry_after_ms, cases[i].wait_ms);
    }
    apiserver_fini(&c.server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leader_asks_again_before_its_time_is_up),
        cmocka_unit_test(a_claim_on_its_way_is_given_back),
        cmocka_unit_test(nobody_is_made_to_wait_for_ever),
    };
    return cmocka_run_group_tests_name("leader", tests, apiserver_set_up, NULL);
}
