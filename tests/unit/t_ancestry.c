/* checkpoint/ancestry.h: what HEAD says counts as far as its manifest says the same. */
#include "checkpoint/ancestry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/banned.h"

static struct head head_of(int64_t attempt, char *pod_uid)
{
    return (struct head){.attempt = attempt, .pod_uid = pod_uid, .generation = 1};
}

static enum err_code check(const struct head *head, int64_t attempt, char *pod_uid)
{
    const struct seal_context c = {.bucket = {.name = (char[]){"bucket"}}, .prefix = (char[]){"ckpt/"}};
    const struct manifest m = {.attempt = attempt, .pod_uid = pod_uid};
    struct err e CLEANUP(err_fini) = {0};
    return ancestry_check_head(&c, head, &m, &e) == 0 ? ERR_NONE : e.code;
}

static void a_head_must_say_what_its_manifest_says(void **state)
{
    const struct head head = head_of(3, (char[]){"pod"});
    (void)state;
    assert_int_equal(check(&head, 3, (char[]){"pod"}), ERR_NONE);
    assert_int_equal(check(&head, 3, (char[]){""}), ERR_NONE); /* of an earlier release */
    assert_int_equal(check(&head, 3, (char[]){"other"}), ERR_DATA_TAMPERED);
    assert_int_equal(check(&head, 2, (char[]){"pod"}), ERR_DATA_TAMPERED);
    assert_int_equal(check(&head, 4, (char[]){"pod"}), ERR_DATA_TAMPERED);
}

static void a_newer_attempt_replaces_and_an_older_one_does_not(void **state)
{
    const struct head head = head_of(3, (char[]){"pod"}), none = {.generation = 0};
    (void)state;
    assert_true(ancestry_is_replaced(&head, 2, "pod"));
    assert_true(ancestry_is_replaced(&head, 2, NULL));
    assert_false(ancestry_is_replaced(&head, 4, "other"));
    assert_false(ancestry_is_replaced(&none, 1, "pod"));
}

static void another_pod_of_the_attempt_replaces_who_commits(void **state)
{
    const struct head head = head_of(3, (char[]){"pod"});
    (void)state;
    assert_false(ancestry_is_replaced(&head, 3, "pod"));
    assert_true(ancestry_is_replaced(&head, 3, "other"));
    assert_false(ancestry_is_replaced(&head, 3, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_must_say_what_its_manifest_says),
        cmocka_unit_test(a_newer_attempt_replaces_and_an_older_one_does_not),
        cmocka_unit_test(another_pod_of_the_attempt_replaces_who_commits),
    };
    return cmocka_run_group_tests_name("ancestry", tests, NULL, NULL);
}
