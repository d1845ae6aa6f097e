/* The order in which namespaces are served, and how many items each may queue. */
#include "shell/events/fair_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/strbuf.h"

#include "base/banned.h"

/* Queues items of the namespace, named after it and numbered from 1; returns how many were accepted. */
static int put_many(struct fair_queue *q, const char *ns, int count)
{
    int i = 0;
    for (bool is_accepted = true; is_accepted && i < count; i += is_accepted) {
        char *item = xasprintf("%s%d", ns, i + 1);
        is_accepted = fair_queue_put(q, ns, item);
        if (!is_accepted)
            free(item);
    }
    return i;
}

/* The next items, separated by spaces. */
static void assert_taken(struct fair_queue *q, int count, const char *expected)
{
    struct strbuf taken = STRBUF(1000);
    for (int i = 0; i < count; i++) {
        char *item CLEANUP(cleanup_free) = fair_queue_take(q);
        strbuf_addf(&taken, "%s%s", i == 0 ? "" : " ", item == NULL ? "none" : item);
    }
    assert_string_equal(strbuf_text(&taken), expected);
    strbuf_fini(&taken);
}

static void one_namespace_keeps_its_order(void **state)
{
    struct fair_queue *q = fair_queue_new(100, free);
    (void)state;
    assert_int_equal(put_many(q, "a", 3), 3);
    assert_int_equal(fair_queue_count(q), 3);
    assert_taken(q, 4, "a1 a2 a3 none");
    assert_int_equal(fair_queue_count(q), 0);
    assert_int_equal(put_many(q, "a", 1), 1);
    assert_taken(q, 2, "a1 none");
    fair_queue_free(q);
}

static void namespaces_take_turns(void **state)
{
    struct fair_queue *q = fair_queue_new(100, free);
    (void)state;
    assert_int_equal(put_many(q, "a", 5), 5);
    assert_taken(q, 1, "a1");
    assert_int_equal(put_many(q, "b", 2), 2);
    assert_int_equal(put_many(q, "c", 1), 1);
    assert_taken(q, 5, "a2 b1 c1 a3 b2");
    /* A namespace whose items were all taken starts at the end. */
    assert_int_equal(put_many(q, "c", 1), 1);
    assert_taken(q, 4, "a4 c1 a5 none");
    fair_queue_free(q);
}

static void a_noisy_namespace_leaves_capacity_for_others(void **state)
{
    struct fair_queue *q = fair_queue_new(120, free);
    (void)state;
    assert_int_equal(put_many(q, "noisy", 1000), 60);
    assert_int_equal(put_many(q, "as-noisy", 1000), 30);
    assert_int_equal(put_many(q, "noisy", 1), 0);
    assert_int_equal(put_many(q, "quiet", 5), 5);
    assert_taken(q, 3, "noisy1 as-noisy1 quiet1");
    fair_queue_free(q);
}

static void the_capacity_is_never_exceeded(void **state)
{
    struct fair_queue *q = fair_queue_new(50, free);
    int in = 0;
    (void)state;
    for (int i = 0; i < 1000; i++) {
        char ns[16];
        snprintf(ns, sizeof(ns), "n%d-", i);
        in += put_many(q, ns, 3);
    }
    assert_int_equal(in, 50);
    assert_int_equal(fair_queue_count(q), 50);
    fair_queue_free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_namespace_keeps_its_order),
        cmocka_unit_test(namespaces_take_turns),
        cmocka_unit_test(a_noisy_namespace_leaves_capacity_for_others),
        cmocka_unit_test(the_capacity_is_never_exceeded),
    };
    return cmocka_run_group_tests_name("fair_queue", tests, NULL, NULL);
}
