#include "shell/cache/pods_by_job.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/banned.h"

enum { PODS = 40 };

static size_t count_of(const struct pods_by_job *g, const char *job_uid)
{
    size_t count = 0;
    (void)!pods_by_job_get(g, job_uid, &count);
    return count;
}

static bool has(const struct pods_by_job *g, const char *job_uid, const struct pod_facts *pod)
{
    size_t count = 0;
    const struct pod_facts *const *pods = pods_by_job_get(g, job_uid, &count);
    for (size_t i = 0; i < count; i++)
        if (pods[i] == pod)
            return true;
    return false;
}

static void finds_the_pods_of_each_job(void **state)
{
    (void)state;
    struct pod_facts pods[PODS];
    struct pods_by_job *g = pods_by_job_new();
    for (size_t i = 0; i < PODS; i++) {
        pods[i] = (struct pod_facts){.job_uid = i % 4 == 0 ? "a" : "b"};
        pods_by_job_update(g, NULL, &pods[i]);
    }
    assert_int_equal(count_of(g, "a"), PODS / 4);
    assert_int_equal(count_of(g, "b"), PODS / 4 * 3);
    assert_int_equal(count_of(g, "c"), 0);
    assert_true(has(g, "a", &pods[8]));
    assert_false(has(g, "b", &pods[8]));
    pods_by_job_free(g);
}

static void follows_what_pods_become(void **state)
{
    (void)state;
    struct pod_facts old = {.job_uid = "a"}, now = {.job_uid = "a"}, moved = {.job_uid = "b"};
    struct pods_by_job *g = pods_by_job_new();
    pods_by_job_update(g, NULL, &old);
    pods_by_job_update(g, &old, &now);
    assert_true(has(g, "a", &now));
    assert_int_equal(count_of(g, "a"), 1);
    pods_by_job_update(g, &now, &moved); /* somebody edited the label */
    assert_int_equal(count_of(g, "a"), 0);
    assert_true(has(g, "b", &moved));
    pods_by_job_update(g, &moved, NULL);
    assert_int_equal(count_of(g, "b"), 0);
    pods_by_job_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_pods_of_each_job),
        cmocka_unit_test(follows_what_pods_become),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
