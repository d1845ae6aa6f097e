/*
 * Reports of an agent: what is decoded is encoded and decoded as the same, and the operator takes only the
 * report of the pod that it stands in.
 */
#include <stdlib.h>
#include <string.h>

#include "agentapi/report.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "core/model/report_facts.h"
#include "data/js.h"
#include "fuzz.h"

#include "base/banned.h"

/* The same report gives the same bytes, also after another round. */
static void check_round(const struct report *r)
{
    struct err e = {0};
    struct report again;
    json_t *tree CLEANUP(js_free) = report_encode(r);
    CHECK(report_decode(tree, &again, &e) == 0);
    json_t *second CLEANUP(js_free) = report_encode(&again);
    char *a CLEANUP(cleanup_free) = js_dump(tree), *b CLEANUP(cleanup_free) = js_dump(second);
    CHECK(strcmp(a, b) == 0);
    CHECK(strcmp(r->pod_uid, again.pod_uid) == 0 && r->attempt == again.attempt && r->index == again.index);
    CHECK(r->stage == again.stage && r->result == again.result && r->failure_class == again.failure_class);
    CHECK((r->stage == STAGE_NONE) == (*report_stage_name(r->stage) == '\0'));
}

/* As the operator reads it, posted by this pod or found in its termination message. */
static void take_as_operator(struct view text, const json_t *tree, const struct report *r)
{
    struct err e = {0};
    struct arena *a CLEANUP(cleanup_arena) = arena_new();
    struct report found;
    struct pod_facts pod = {.name = "job-0", .uid = r->pod_uid, .attempt = r->attempt, .index = r->index};
    pod.agent.state = CONTAINER_TERMINATED;
    pod.agent.message = arena_view_dup(a, text);
    struct report_facts *facts = report_facts_new(tree, &pod, &e);
    if (facts == NULL)
        fuzz_check_error(&e);
    else
        CHECK(strlen(facts->checkpoint.uri) <= 2048 && strlen(facts->message) <= REPORT_BYTES_MAX &&
              report_facts_equal(facts, facts));
    if (strlen(pod.agent.message) == text.len)
        CHECK(report_of_pod(&pod, a, &found) == (facts != NULL));
    free(facts);
    pod.index++;
    CHECK(report_facts_new(tree, &pod, &e) == NULL);
    fuzz_check_error(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct err e = {0};
    struct view text = view_of(bytes, length);
    struct report r = {.index = 77};
    json_t *tree CLEANUP(js_free) = js_parse(text, "the report", &e);
    if (tree == NULL) {
        fuzz_check_error(&e);
        return 0;
    }
    if (report_decode(tree, &r, &e) < 0) {
        CHECK(e.code == ERR_INVALID && r.index == 77 && r.pod_uid == NULL);
        fuzz_check_error(&e);
        return 0;
    }
    check_round(&r);
    if (r.index < INT32_MAX)
        take_as_operator(text, tree, &r);
    return 0;
}
