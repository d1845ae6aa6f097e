/* How often a job reports progress in its status, and what the API server refused. */
#include "shell/reconcile/queue_item.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "os/loop.h"

#include "base/banned.h"

enum { NOW_S = 1000, SECOND = 1000 * 1000 };

static void never(void *item)
{
    (void)item;
}

/* Seconds from a status write that took that long to the next one that only reports progress. */
static int64_t pause_after_ms(int64_t took_ms)
{
    struct loop *loop = loop_new();
    struct queue_item *item = queue_item_new(loop, "ml", "digits", never, NULL);
    queue_item_note_status(item, took_ms);
    int64_t until_us = queue_item_status_after_us(item, (int64_t)NOW_S * SECOND);
    queue_item_free(item);
    loop_free(loop);
    /* Rounded, since some time has passed. */
    return (until_us - (int64_t)NOW_S * SECOND + SECOND / 2) / SECOND;
}

static void the_first_status_need_not_wait(void **state)
{
    struct loop *loop = loop_new();
    struct queue_item *item = queue_item_new(loop, "ml", "digits", never, NULL);
    (void)state;
    assert_int_equal(queue_item_status_after_us(item, (int64_t)NOW_S * SECOND), 0);
    queue_item_free(item);
    loop_free(loop);
}

static void progress_is_written_once_a_second(void **state)
{
    (void)state;
    assert_int_equal(pause_after_ms(0), 1);
    assert_int_equal(pause_after_ms(50), 1);
}

static void progress_is_written_less_often_while_status_writes_are_slow(void **state)
{
    (void)state;
    assert_int_equal(pause_after_ms(100), 2);
    assert_int_equal(pause_after_ms(60 * 1000), 2);
}

static int32_t refused(struct queue_item *item, enum child_kind kind, const char *name, int32_t attempt)
{
    const struct child_ref child = {kind, name, attempt};
    queue_item_note_refusal(item, &child, "exceeded quota");
    return queue_item_refusal(item).count;
}

static void refusals_are_counted_anew_for_each_attempt(void **state)
{
    struct loop *loop = loop_new();
    struct queue_item *item = queue_item_new(loop, "ml", "digits", never, NULL);
    (void)state;
    assert_int_equal(refused(item, CHILD_POD, "digits-worker-0-1", 1), 1);
    assert_int_equal(refused(item, CHILD_POD, "digits-worker-1-1", 1), 2);
    assert_int_equal(refused(item, CHILD_SERVICE, "digits-workers", 0), 3);
    assert_int_equal(refused(item, CHILD_POD, "digits-worker-1-1", 1), 4);
    assert_int_equal(refused(item, CHILD_POD, "digits-worker-1-2", 2), 1);
    queue_item_free(item);
    loop_free(loop);
}

static void of_several_refusals_the_first_by_name_is_reported(void **state)
{
    struct loop *loop = loop_new();
    struct queue_item *item = queue_item_new(loop, "ml", "digits", never, NULL);
    const struct child_ref first = {CHILD_POD, "digits-worker-0-1", 1},
                           service = {CHILD_SERVICE, "digits-workers", 0};
    (void)state;
    (void)refused(item, CHILD_POD, "digits-worker-1-1", 1);
    queue_item_note_further_refusal(item, &service, "exceeded quota");
    assert_string_equal(queue_item_refusal(item).child.name, "digits-worker-1-1");
    queue_item_note_further_refusal(item, &first, "exceeded quota");
    assert_string_equal(queue_item_refusal(item).child.name, "digits-worker-0-1");
    queue_item_free(item);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_status_need_not_wait),
        cmocka_unit_test(progress_is_written_once_a_second),
        cmocka_unit_test(progress_is_written_less_often_while_status_writes_are_slow),
        cmocka_unit_test(refusals_are_counted_anew_for_each_attempt),
        cmocka_unit_test(of_several_refusals_the_first_by_name_is_reported),
    };
    return cmocka_run_group_tests_name("queue_item", tests, NULL, NULL);
}
