/* Assignments: what is accepted names a job, an attempt and a worker, and is encoded and decoded as the same.
 */
#include <string.h>

#include "agentapi/assignment.h"
#include "base/alloc.h"
#include "data/js.h"
#include "fuzz.h"

#include "base/banned.h"

static void check_limits(const struct assignment *x)
{
    CHECK(x->version == ASSIGNMENT_VERSION && x->attempt >= 1 && *x->job_uid != '\0');
    CHECK(x->index >= 0 && x->index < x->replicas);
    CHECK(x->connections >= 1 && x->connections <= ASSIGNMENT_CONNECTIONS_MAX && x->input_limit_bytes >= 0);
    CHECK(x->pod_uid != NULL && *x->pod_uid == '\0');
    for (size_t i = 0; i < x->key_count; i++)
        CHECK(x->keys[i].name != NULL && x->keys[i].kms_key_name != NULL &&
              x->keys[i].wrapped_keyset != NULL);
    for (size_t i = 0; i < x->input_count; i++)
        CHECK(x->inputs[i].name != NULL && x->inputs[i].uri != NULL && x->inputs[i].associated_data != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct err e = {0};
    struct arena *a CLEANUP(cleanup_arena) = arena_new();
    struct assignment x = {.index = 77}, again;
    json_t *tree CLEANUP(js_free) = js_parse(view_of(bytes, length), "the assignment", &e);
    if (tree == NULL) {
        fuzz_check_error(&e);
        return 0;
    }
    if (assignment_decode(tree, a, &x, &e) < 0) {
        CHECK(e.code == ERR_INVALID && x.index == 77 && x.job_uid == NULL);
        fuzz_check_error(&e);
        return 0;
    }
    check_limits(&x);
    json_t *written CLEANUP(js_free) = assignment_encode(&x);
    CHECK(assignment_decode(written, a, &again, &e) == 0);
    check_limits(&again);
    json_t *second CLEANUP(js_free) = assignment_encode(&again);
    char *first_text CLEANUP(cleanup_free) = js_dump(written),
                     *second_text CLEANUP(cleanup_free) = js_dump(second);
    CHECK(strcmp(first_text, second_text) == 0);
    return 0;
}
