#include "data/quantity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/banned.h"

static int64_t parsed(const char *text)
{
    int64_t n = -1;
    return quantity_parse(view_from(text), &n) < 0 ? -1 : n;
}

static void reads_every_suffix(void **state)
{
    (void)state;
    assert_int_equal(parsed("0"), 0);
    assert_int_equal(parsed("4"), 4);
    assert_int_equal(parsed("1k"), 1000);
    assert_int_equal(parsed("2M"), 2000000);
    assert_int_equal(parsed("3G"), 3000000000);
    assert_int_equal(parsed("1T"), 1000000000000);
    assert_int_equal(parsed("1Ki"), 1024);
    assert_int_equal(parsed("64Mi"), 64 << 20);
    assert_int_equal(parsed("8Gi"), INT64_C(8) << 30);
    assert_int_equal(parsed("2Ti"), INT64_C(2) << 40);
    assert_int_equal(parsed("1e3"), 1000);
    assert_int_equal(parsed("12E2"), 1200);
}

static void reads_fractions(void **state)
{
    (void)state;
    assert_int_equal(parsed("0.5Gi"), 1 << 29);
    assert_int_equal(parsed("1.5k"), 1500);
}

static void rounds_up_to_whole_units(void **state)
{
    (void)state;
    assert_int_equal(parsed("500m"), 1);
    assert_int_equal(parsed("1000m"), 1);
    assert_int_equal(parsed("1001m"), 2);
    assert_int_equal(parsed("0.1"), 1);
}

static void refuses_what_is_no_amount(void **state)
{
    static const char *const bad[] = {"",   "Gi", "-1",   "1GiB", "1 Gi", "abc",
                                      "1e", ".",  "1..5", "0x10", "9e99", "9999999999Ei"};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (parsed(bad[i]) != -1)
            fail_msg("'%s' was read as %lld", bad[i], (long long)parsed(bad[i]));
}

static void reads_texts_and_integers_of_json(void **state)
{
    (void)state;
    int64_t n = 0;
    json_t *integer = json_integer(5);
    json_t *text = json_string("5Ki");
    json_t *real = json_real(0.5);
    assert_int_equal(quantity_from_json(integer, &n), 0);
    assert_int_equal(n, 5);
    assert_int_equal(quantity_from_json(text, &n), 0);
    assert_int_equal(n, 5120);
    assert_int_equal(quantity_from_json(real, &n), -1);
    assert_int_equal(n, 5120);
    json_decref(integer);
    json_decref(text);
    json_decref(real);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_suffix),
        cmocka_unit_test(reads_fractions),
        cmocka_unit_test(rounds_up_to_whole_units),
        cmocka_unit_test(refuses_what_is_no_amount),
        cmocka_unit_test(reads_texts_and_integers_of_json),
    };
    return cmocka_run_group_tests_name("quantity", tests, NULL, NULL);
}
