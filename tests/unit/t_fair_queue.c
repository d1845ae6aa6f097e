/* Whose turn it is, and who finds room. */
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

/* So many of the namespace are put, named by it and a number from 1 on; returns how many found room. */
static int put_crowd(struct fair_queue *t, const char *ns, int count)
{
    int i = 0;
    for (bool is_in = true; is_in && i < count; i += is_in) {
        char *item = xasprintf("%s%d", ns, i + 1);
        is_in = fair_queue_put(t, ns, item);
        if (!is_in)
            free(item);
    }
    return i;
}

/* The next ones, with spaces between. */
static void assert_taken(struct fair_queue *t, int count, const char *expected)
{
    struct strbuf taken = STRBUF(1000);
    for (int i = 0; i < count; i++) {
        char *item CLEANUP(cleanup_free) = fair_queue_take(t);
        strbuf_addf(&taken, "%s%s", i == 0 ? "" : " ", item == NULL ? "none" : item);
    }
    assert_string_equal(strbuf_text(&taken), expected);
    strbuf_fini(&taken);
}

static void one_namespace_keeps_its_order(void **state)
{
    struct fair_queue *t = fair_queue_new(100, free);
    (void)state;
    assert_int_equal(put_crowd(t, "a", 3), 3);
    assert_int_equal(fair_queue_count(t), 3);
    assert_taken(t, 4, "a1 a2 a3 none");
    assert_int_equal(fair_queue_count(t), 0);
    assert_int_equal(put_crowd(t, "a", 1), 1);
    assert_taken(t, 2, "a1 none");
    fair_queue_free(t);
}

static void namespaces_take_turns(void **state)
{
    struct fair_queue *t = fair_queue_new(100, free);
    (void)state;
    assert_int_equal(put_crowd(t, "a", 5), 5);
    assert_taken(t, 1, "a1");
    assert_int_equal(put_crowd(t, "b", 2), 2);
    assert_int_equal(put_crowd(t, "c", 1), 1);
    assert_taken(t, 5, "a2 b1 c1 a3 b2");
    /* Who had nothing left comes last again. */
    assert_int_equal(put_crowd(t, "c", 1), 1);
    assert_taken(t, 4, "a4 c1 a5 none");
    fair_queue_free(t);
}

static void a_crowd_leaves_room_for_others(void **state)
{
    struct fair_queue *t = fair_queue_new(120, free);
    (void)state;
    assert_int_equal(put_crowd(t, "noisy", 1000), 60);
    assert_int_equal(put_crowd(t, "as-noisy", 1000), 30);
    assert_int_equal(put_crowd(t, "noisy", 1), 0);
    assert_int_equal(put_crowd(t, "quiet", 5), 5);
    assert_taken(t, 3, "noisy1 as-noisy1 quiet1");
    fair_queue_free(t);
}

static void the_room_is_never_exceeded(void **state)
{
    struct fair_queue *t = fair_queue_new(50, free);
    int in = 0;
    (void)state;
    for (int i = 0; i < 1000; i++) {
        char ns[16];
        snprintf(ns, sizeof(ns), "n%d-", i);
        in += put_crowd(t, ns, 3);
    }
    assert_int_equal(in, 50);
    assert_int_equal(fair_queue_count(t), 50);
    fair_queue_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_namespace_keeps_its_order),
        cmocka_unit_test(namespaces_take_turns),
        cmocka_unit_test(a_crowd_leaves_room_for_others),
        cmocka_unit_test(the_room_is_never_exceeded),
    };
    return cmocka_run_group_tests_name("fair_queue", tests, NULL, NULL);
}
