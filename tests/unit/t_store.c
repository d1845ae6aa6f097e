#include "kube/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"

#include "base/banned.h"

enum { MANY = 1000 };

static void put(struct store *s, const char *ns, const char *name, const char *facts)
{
    free(store_put(s, ns, name, xstrdup(facts)));
}

static void keeps_namespaces_apart(void **state)
{
    (void)state;
    struct store *s = store_new(free);
    put(s, "a", "b", "1");
    put(s, "", "a/b", "2");
    put(s, "a", "b", "3");
    assert_int_equal(store_count(s), 2);
    assert_string_equal(store_get(s, "a", "b"), "3");
    assert_string_equal(store_get(s, "", "a/b"), "2");
    assert_null(store_get(s, "a/b", ""));
    free(store_take(s, "a", "b"));
    assert_null(store_get(s, "a", "b"));
    store_free(s);
}

static void finds_many_and_walks_over_each_once(void **state)
{
    (void)state;
    struct store *s = store_new(free);
    char name[16];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        put(s, "ns", name, name);
    }
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        assert_string_equal(store_get(s, "ns", name), name);
    }
    void *cursor = NULL;
    int seen = 0;
    while (store_next(s, &cursor) != NULL)
        seen++;
    assert_int_equal(seen, MANY);
    assert_null(store_next(s, &cursor));
    store_free(s);
}

static void hands_over_what_a_new_list_did_not_touch(void **state)
{
    (void)state;
    struct store *s = store_new(free);
    put(s, "ns", "stays", "1");
    put(s, "ns", "goes", "2");
    store_mark_all_old(s);
    put(s, "ns", "stays", "3");
    put(s, "ns", "new", "4");
    char *old = store_take_old(s);
    assert_string_equal(old, "2");
    free(old);
    assert_null(store_take_old(s));
    assert_int_equal(store_count(s), 2);
    store_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_namespaces_apart),
        cmocka_unit_test(finds_many_and_walks_over_each_once),
        cmocka_unit_test(hands_over_what_a_new_list_did_not_touch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
