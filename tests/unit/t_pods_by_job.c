/* The index of pods by the uid of their job. */
#include "shell/cache/pods_by_job.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/banned.h"

enum { PODS = 40 };

static size_t count_of(const struct pods_by_job *index, const char *job_uid)
{
    size_t count = 0;
    (void)!pods_by_job_get(index, job_uid, &count);
    return count;
}

static bool has(const struct pods_by_job *index, const char *job_uid, const struct pod_facts *pod)
{
    size_t count = 0;
    const struct pod_facts *const *pods = pods_by_job_get(index, job_uid, &count);
    for (size_t i = 0; i < count; i++)
        if (pods[i] == pod)
            return true;
    return false;
}

static void the_pods_of_each_job_are_found(void **state)
{
    (void)state;
    struct pod_facts pods[PODS];
    struct pods_by_job *index = pods_by_job_new();
    for (size_t i = 0; i < PODS; i++) {
        pods[i] = (struct pod_facts){.job_uid = i % 4 == 0 ? "a" : "b"};
        pods_by_job_update(index, NULL, &pods[i]);
    }
    assert_int_equal(count_of(index, "a"), PODS / 4);
    assert_int_equal(count_of(index, "b"), PODS / 4 * 3);
    assert_int_equal(count_of(index, "c"), 0);
    assert_true(has(index, "a", &pods[8]));
    assert_false(has(index, "b", &pods[8]));
    pods_by_job_free(index);
}

static void the_index_follows_changes(void **state)
{
    (void)state;
    struct pod_facts old = {.job_uid = "a"}, now = {.job_uid = "a"}, moved = {.job_uid = "b"};
    struct pods_by_job *index = pods_by_job_new();
    pods_by_job_update(index, NULL, &old);
    pods_by_job_update(index, &old, &now);
    assert_true(has(index, "a", &now));
    assert_int_equal(count_of(index, "a"), 1);
    pods_by_job_update(index, &now, &moved); /* its label was edited */
    assert_int_equal(count_of(index, "a"), 0);
    assert_true(has(index, "b", &moved));
    pods_by_job_update(index, &moved, NULL);
    assert_int_equal(count_of(index, "b"), 0);
    pods_by_job_free(index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pods_of_each_job_are_found),
        cmocka_unit_test(the_index_follows_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
