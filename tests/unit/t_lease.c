/* Leader election: two processes and a Lease, with a clock of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "data/js.h"
#include "kobj/lease.h"

#include "base/banned.h"

static const struct lease_timing timing = {.lease_ms = 15000, .renew_ms = 10000, .retry_ms = 2000};

enum { WALL_US = 0 };

static void make(struct election *x, const char *identity)
{
    election_init(x, "system", "operator", identity, &timing);
}

static void times_that_leave_no_room_are_refused(void **state)
{
    static const struct lease_timing bad[] = {
        {10000, 10000, 2000}, {15000, 2400, 2000}, {15000, 10000, 0}, {0, 0, 0}};
    struct err good CLEANUP(err_fini) = {0};
    (void)state;
    assert_int_equal(lease_timing_check(&timing, &good), 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e CLEANUP(err_fini) = {0};
        assert_int_equal(lease_timing_check(&bad[i], &e), -1);
    }
}

static void the_first_claim_makes_a_whole_lease(void **state)
{
    struct election x CLEANUP(election_fini);
    make(&x, "a");
    (void)state;
    election_observe(&x, NULL, 0);
    assert_true(election_may_claim(&x, 0));
    json_t *lease CLEANUP(js_free) = election_claim(&x, INT64_C(1700000000123456));
    char *text CLEANUP(cleanup_free) = js_dump(lease);
    assert_string_equal(text, "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\","
                              "\"metadata\":{\"name\":\"operator\",\"namespace\":\"system\"},"
                              "\"spec\":{\"holderIdentity\":\"a\",\"leaseDurationSeconds\":15,"
                              "\"acquireTime\":\"2023-11-14T22:13:20.123456Z\","
                              "\"renewTime\":\"2023-11-14T22:13:20.123456Z\",\"leaseTransitions\":0}}");
}

static void a_holder_that_renews_is_never_robbed(void **state)
{
    struct election a CLEANUP(election_fini), b CLEANUP(election_fini);
    make(&a, "a");
    make(&b, "b");
    (void)state;
    for (int64_t now = 0; now < 100000; now += 2000) {
        json_t *lease CLEANUP(js_free) = election_claim(&a, now * 1000);
        election_win(&a, lease, now, now + 5);
        election_observe(&b, lease, now + 10);
        assert_true(election_is_leading(&a, now + 10));
        assert_false(election_may_claim(&b, now + 1999));
    }
}

static void expiry_counts_from_the_last_change_seen_whatever_the_record_says(void **state)
{
    struct election b CLEANUP(election_fini);
    make(&b, "b");
    (void)state;
    /* Its times are of another age: clocks of other machines mean nothing. */
    json_t *lease CLEANUP(js_free) =
        json_pack("{s:{s:s, s:i, s:s}}", "spec", "holderIdentity", "a", "leaseDurationSeconds", 15,
                  "renewTime", "1999-01-01T00:00:00.000000Z");
    election_observe(&b, lease, 50000);
    election_observe(&b, lease, 60000);
    assert_false(election_may_claim(&b, 64999));
    assert_true(election_may_claim(&b, 65000));
    json_object_set_new(json_object_get(lease, "spec"), "renewTime",
                        json_string("1999-01-01T00:00:02.000000Z"));
    election_observe(&b, lease, 64999);
    assert_false(election_may_claim(&b, 65000));
    assert_true(election_may_claim(&b, 79999));
}

static void a_takeover_counts_and_a_renewal_does_not(void **state)
{
    struct election a CLEANUP(election_fini), b CLEANUP(election_fini);
    make(&a, "a");
    make(&b, "b");
    (void)state;
    json_t *first CLEANUP(js_free) = election_claim(&a, WALL_US);
    election_win(&a, first, 0, 0);
    json_t *second CLEANUP(js_free) = election_claim(&a, 2000000);
    assert_string_equal(js_text(second, "spec.acquireTime"), js_text(first, "spec.acquireTime"));
    assert_string_equal(js_text(second, "spec.renewTime"), "1970-01-01T00:00:02.000000Z");
    assert_int_equal(js_int(second, "spec.leaseTransitions", -1), 0);
    election_observe(&b, second, 2000);
    assert_true(election_may_claim(&b, 17000));
    json_t *third CLEANUP(js_free) = election_claim(&b, 17000000);
    assert_string_equal(js_text(third, "spec.holderIdentity"), "b");
    assert_string_equal(js_text(third, "spec.acquireTime"), "1970-01-01T00:00:17.000000Z");
    assert_int_equal(js_int(third, "spec.leaseTransitions", -1), 1);
}

static void a_leader_stops_before_another_may_start(void **state)
{
    struct election a CLEANUP(election_fini), b CLEANUP(election_fini);
    make(&a, "a");
    make(&b, "b");
    (void)state;
    json_t *lease CLEANUP(js_free) = election_claim(&a, WALL_US);
    /* Sent at 1000, carried out at once, answered late: it counts from the sending. */
    election_observe(&b, lease, 1000);
    election_win(&a, lease, 1000, 6000);
    assert_true(election_is_leading(&a, 10999));
    assert_false(election_is_leading(&a, 11000));
    assert_false(election_may_claim(&b, 15999));
}

static void what_is_given_back_is_free_at_once(void **state)
{
    struct election a CLEANUP(election_fini), b CLEANUP(election_fini);
    make(&a, "a");
    make(&b, "b");
    (void)state;
    json_t *lease CLEANUP(js_free) = election_claim(&a, WALL_US);
    election_win(&a, lease, 0, 0);
    election_resign(&a);
    assert_false(election_is_leading(&a, 0));
    json_t *last CLEANUP(js_free) = election_release(&a, WALL_US);
    assert_string_equal(js_text(last, "spec.holderIdentity"), "");
    assert_int_equal(js_int(last, "spec.leaseDurationSeconds", 0), 1);
    election_observe(&b, last, 1);
    assert_true(election_may_claim(&b, 1));
}

static void the_fast_path_needs_a_fresh_record_of_our_own(void **state)
{
    struct election a CLEANUP(election_fini), again CLEANUP(election_fini);
    make(&a, "a");
    make(&again, "a");
    (void)state;
    assert_false(election_may_renew_unread(&a, 0));
    json_t *lease CLEANUP(js_free) = election_claim(&a, WALL_US);
    election_win(&a, lease, 0, 0);
    assert_true(election_may_renew_unread(&a, 14999));
    assert_false(election_may_renew_unread(&a, 15000));
    /* A process that started again under its name need not wait, and does not lead before it has claimed. */
    election_observe(&again, lease, 3000);
    assert_true(election_may_claim(&again, 3000));
    assert_false(election_is_leading(&again, 3000));
}

static void what_others_wrote_on_the_lease_is_kept(void **state)
{
    struct election a CLEANUP(election_fini);
    make(&a, "a");
    (void)state;
    json_t *lease CLEANUP(js_free) =
        json_pack("{s:{s:s, s:{s:s}, s:[{}]}, s:{}}", "metadata", "resourceVersion", "7", "labels", "team",
                  "x", "managedFields", "spec");
    election_observe(&a, lease, 0);
    json_t *claim CLEANUP(js_free) = election_claim(&a, WALL_US);
    assert_string_equal(js_text(claim, "metadata.resourceVersion"), "7");
    assert_string_equal(js_text(claim, "metadata.labels.team"), "x");
    assert_null(js_at(claim, "metadata.managedFields"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_that_leave_no_room_are_refused),
        cmocka_unit_test(the_first_claim_makes_a_whole_lease),
        cmocka_unit_test(a_holder_that_renews_is_never_robbed),
        cmocka_unit_test(expiry_counts_from_the_last_change_seen_whatever_the_record_says),
        cmocka_unit_test(a_takeover_counts_and_a_renewal_does_not),
        cmocka_unit_test(a_leader_stops_before_another_may_start),
        cmocka_unit_test(what_is_given_back_is_free_at_once),
        cmocka_unit_test(the_fast_path_needs_a_fresh_record_of_our_own),
        cmocka_unit_test(what_others_wrote_on_the_lease_is_kept),
    };
    return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}
