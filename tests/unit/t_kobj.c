#include "kobj/status.h"
#include "kobj/version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/banned.h"

static void compares_versions_of_any_length(void **state)
{
    (void)state;
    assert_true(version_is_at_least("10", "9"));
    assert_false(version_is_at_least("9", "10"));
    assert_true(version_is_at_least("7", "7"));
    assert_true(version_is_at_least("99999999999999999999999", "99999999999999999999998"));
    assert_false(version_is_at_least("", "1"));
    assert_false(version_is_at_least("abc", "1"));
    assert_false(version_is_at_least(NULL, "1"));
}

static enum err_code code(int http_status, const char *body)
{
    struct err e CLEANUP(err_fini) = {0};
    assert_int_equal(status_to_err(http_status, view_from(body), &e), -1);
    return e.code;
}

static void tells_refusals_apart(void **state)
{
    (void)state;
    assert_int_equal(code(409, "{\"reason\":\"AlreadyExists\",\"message\":\"m\"}"), ERR_ALREADY_EXISTS);
    assert_int_equal(code(409, "{\"reason\":\"Conflict\",\"message\":\"m\"}"), ERR_CONFLICT);
    assert_int_equal(code(401, ""), ERR_UNAUTHENTICATED);
    assert_int_equal(code(403, "{}"), ERR_DENIED);
    assert_int_equal(code(404, "{}"), ERR_NOT_FOUND);
    assert_int_equal(code(410, "{}"), ERR_GONE);
    assert_int_equal(code(422, "{}"), ERR_INVALID);
    assert_int_equal(code(429, "slow down"), ERR_THROTTLED);
    assert_int_equal(code(500, "<html>"), ERR_UNAVAILABLE);
    assert_int_equal(code(504, "{}"), ERR_TIMED_OUT);
}

static void says_what_the_server_said(void **state)
{
    (void)state;
    struct err e CLEANUP(err_fini) = {0};
    assert_int_equal(status_to_err(403, view_from("{\"message\":\"pods is forbidden\"}"), &e), -1);
    assert_string_equal(e.text, "pods is forbidden");
    err_fini(&e);
    assert_int_equal(status_to_err(502, view_from("<html>bad gateway"), &e), -1);
    assert_string_equal(e.text, "HTTP status 502: <html>bad gateway");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_versions_of_any_length),
        cmocka_unit_test(tells_refusals_apart),
        cmocka_unit_test(says_what_the_server_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
