#include "data/js.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/banned.h"

static bool is_json(struct view text)
{
    struct err e CLEANUP(err_fini) = {0}, foreign CLEANUP(err_fini) = {0};
    json_t *tree CLEANUP(js_free) = js_parse(text, "the text", &e);
    json_t *same CLEANUP(js_free) = js_parse_foreign(text, "the text", &foreign);
    assert_true((tree == NULL) == (same == NULL));
    assert_true(tree != NULL || (e.code == ERR_PROTOCOL && foreign.code == ERR_PROTOCOL));
    return tree != NULL;
}

static void a_nul_byte_is_no_part_of_json(void **state)
{
    (void)state;
    assert_false(is_json(VIEW_LITERAL("{\"a\":1\0,\"b\":2}")));
    assert_false(is_json(VIEW_LITERAL("[1.5\0]")));
    assert_false(is_json(VIEW_LITERAL("{}\0")));
    assert_true(is_json(VIEW_LITERAL("{\"a\":1 ,\"b\":2}")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nul_byte_is_no_part_of_json),
    };
    return cmocka_run_group_tests_name("js", tests, NULL, NULL);
}
