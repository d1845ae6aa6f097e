/*
 * plan() against tests/plan/cases/: each case is one world and what is to be done in
 * it, and on each world the laws of plan.h are checked as well.
 */
#include "api/status_json.h"
#include "scene.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/strbuf.h"

#include "base/banned.h"

#define CASES       "tests/plan/cases"
#define CASES_LEAST 25
#define WHY_LEAST   30
#define TEXT_MAX    ((size_t)1 << 20)
#define SHUFFLES    6
#define ROUNDS_MAX  12

static void free_arena(struct arena **a)
{
    arena_free(*a);
}

static void free_json(json_t **tree)
{
    json_decref(*tree);
}

/* ---- plans as text ---- */

static void add_action(struct strbuf *text, const struct action *act)
{
    strbuf_add_text(text, action_kind_name(act->kind));
    if (act->name != NULL)
        strbuf_addf(text, " %s", act->name);
    if (act->kind == ACTION_CREATE_POD && *act->group != '\0')
        strbuf_addf(text, " into %s", act->group);
    if (act->kind == ACTION_CREATE_POD && act->technology != TECHNOLOGY_SEV)
        strbuf_addf(text, " for %s", technology_name(act->technology));
    for (size_t i = 0; i < act->pod_count; i++)
        strbuf_addf(text, "%s%s", i == 0 ? " with " : ", ", act->pods[i].name);
    if (act->kind == ACTION_DELETE_POD && act->grace_seconds >= 0)
        strbuf_addf(text, " in %d s", (int)act->grace_seconds);
    if (act->kind == ACTION_EVENT)
        strbuf_addf(text, " %s %s", act->type, act->reason);
    if (act->kind == ACTION_WAKE_AT)
        strbuf_addf(text, " +%lld", (long long)((act->at_us - SCENE_NOW_US) / 1000000));
}

static char *action_text(const struct action *act)
{
    struct strbuf text = STRBUF(TEXT_MAX);
    add_action(&text, act);
    return strbuf_take(&text);
}

static void add_status(struct strbuf *text, const struct job_status *s)
{
    json_t *tree = status_encode(s);
    char *json = json_dumps(tree, JSON_SORT_KEYS | JSON_INDENT(1));
    strbuf_addf(text, "\n%s", json);
    free(json);
    json_decref(tree);
}

/* Everything that a plan says. */
static char *plan_text(const struct plan *plan)
{
    struct strbuf text = STRBUF(TEXT_MAX);
    strbuf_add_text(&text, "plan:");
    for (size_t i = 0; i < plan->count; i++) {
        const struct action *act = &plan->actions[i];
        strbuf_add_text(&text, "\n");
        add_action(&text, act);
        strbuf_addf(&text, " [%s]", act->why);
        if (act->kind == ACTION_DELETE_POD)
            strbuf_addf(&text, " %s", act->uid);
        if (act->kind == ACTION_CREATE_POD)
            strbuf_addf(&text, " %d %d", (int)act->index, (int)act->attempt);
        if (act->kind == ACTION_EVENT)
            strbuf_addf(&text, " %s", act->note);
        if (act->kind == ACTION_SET_STATUS)
            add_status(&text, act->status);
    }
    return strbuf_take(&text);
}

/* ---- what a case expects ---- */

static void match(const json_t *want, const json_t *got, const char *where);

/* "~text": contains. A list in place of a text: contains each. */
static void match_text(const json_t *want, const char *got, const char *where)
{
    const char *text = json_string_value(want);
    if (*text != '~')
        assert_string_equal(got, text);
    else if (strstr(got, text + 1) == NULL)
        fail_msg("%s: '%s' does not say '%s'", where, got, text + 1);
}

/* The status, and "now" behind it when that is asked for and it has turned just now. */
static json_t *condition_word(const json_t *c, const json_t *want)
{
    const char *wanted = json_string_value(want);
    bool is_new =
        strcmp(json_string_value(json_object_get(c, "lastTransitionTime")), "2026-01-01T12:00:00Z") == 0;
    return json_sprintf("%s%s", json_string_value(json_object_get(c, "status")),
                        wanted != NULL && strchr(wanted, ' ') != NULL && is_new ? " now" : "");
}

/* {"Failed": "True"}: these and no others. */
static void match_conditions(const json_t *want, const json_t *got)
{
    json_t *have CLEANUP(free_json) = json_object();
    const char *before = "";
    for (size_t i = 0; i < json_array_size(got); i++) {
        const json_t *c = json_array_get(got, i);
        const char *type = json_string_value(json_object_get(c, "type"));
        assert_true(strcmp(before, type) < 0);
        assert_true(*json_string_value(json_object_get(c, "reason")) != '\0');
        json_object_set_new(have, type, condition_word(c, json_object_get(want, type)));
        before = type;
    }
    if (json_equal(have, want))
        return;
    char *text = json_dumps(have, 0);
    fail_msg("conditions are %s", text);
}

static void match_object(const json_t *want, const json_t *got, const char *where)
{
    const char *key;
    json_t *value;
    json_t *o CLEANUP(free_json) = json_deep_copy(want);
    json_object_foreach(o, key, value)
    {
        char *path = xasprintf("%s.%s", where, key);
        if (strcmp(key, "conditions") == 0)
            match_conditions(value, json_object_get(got, key));
        else
            match(value, json_object_get(got, key), path);
        free(path);
    }
}

static void match_list(const json_t *want, const json_t *got, const char *where)
{
    if (!json_is_string(got) && json_array_size(want) != json_array_size(got))
        fail_msg("%s: %zu entries, not %zu", where, json_array_size(got), json_array_size(want));
    for (size_t i = 0; i < json_array_size(want); i++)
        match(json_array_get(want, i), json_is_string(got) ? got : json_array_get(got, i), where);
}

static void match(const json_t *want, const json_t *got, const char *where)
{
    if (json_is_null(want)) {
        if (got != NULL)
            fail_msg("%s is there", where);
    } else if (got == NULL) {
        fail_msg("%s is not there", where);
    } else if (json_is_object(want)) {
        match_object(want, got, where);
    } else if (json_is_array(want)) {
        match_list(want, got, where);
    } else if (json_is_string(want) && json_is_string(got)) {
        match_text(want, json_string_value(got), where);
    } else if (!json_equal(want, got)) {
        char *text = json_dumps(got, JSON_ENCODE_ANY);
        fail_msg("%s is %s", where, text);
    }
}

static void check_actions(const json_t *want, const struct plan *plan)
{
    for (size_t i = 0; i < plan->count || i < json_array_size(want); i++) {
        const char *wanted = json_string_value(json_array_get(want, i));
        const char *expected = wanted != NULL ? wanted : "nothing";
        char *got = i < plan->count ? action_text(&plan->actions[i]) : xstrdup("nothing");
        if (strcmp(got, expected) != 0)
            fail_msg("action %zu is '%s', not '%s'; %s", i + 1, got, expected, plan_text(plan));
        free(got);
    }
}

/* What the events say, by reason. */
static void check_notes(const json_t *want, const struct plan *plan)
{
    json_t *notes CLEANUP(free_json) = json_object();
    for (size_t i = 0; i < plan->count; i++)
        if (plan->actions[i].kind == ACTION_EVENT)
            json_object_set_new(notes, plan->actions[i].reason, json_string(plan->actions[i].note));
    match(want, notes, "notes");
}

static void check_outcome(const json_t *test_case, const struct scene *s, const struct plan *plan)
{
    const json_t *expect = json_object_get(test_case, "expect");
    assert_true(json_is_array(json_object_get(expect, "actions")));
    check_actions(json_object_get(expect, "actions"), plan);
    bool is_new = plan->count > 0 && plan->actions[0].kind == ACTION_SET_STATUS;
    json_t *status CLEANUP(free_json) = status_encode(is_new ? plan->actions[0].status : &s->job.status);
    const json_t *want = json_object_get(expect, "status");
    if (want != NULL)
        match(want, status, "status");
    const json_t *notes = json_object_get(expect, "notes");
    if (notes != NULL)
        check_notes(notes, plan);
}

/* ---- laws ---- */

static void check_same(const struct scene *s, const char *expected, struct arena *a, const char *law)
{
    struct plan plan = plan_job(&s->w, a);
    char *text CLEANUP(cleanup_free) = plan_text(&plan);
    if (strcmp(text, expected) != 0)
        fail_msg("%s: %s\nand not %s", law, text, expected);
}

static void check_order(const struct scene *s, const struct plan *plan, struct arena *a)
{
    char *text CLEANUP(cleanup_free) = plan_text(plan);
    check_same(s, text, a, "determinism");
    for (unsigned seed = 0; seed < SHUFFLES; seed++)
        check_same(scene_shuffled(s, seed, a), text, a, "order-independence");
}

static const struct pod_facts *pod_of(const struct scene *s, const struct action *act)
{
    for (size_t i = 0; i < s->pod_count; i++)
        if (strcmp(s->pods[i]->name, act->name) == 0 && strcmp(s->pods[i]->uid, act->uid) == 0)
            return s->pods[i];
    fail_msg("%s is no pod of this world", act->name);
    return NULL;
}

static bool is_write(const struct action *act)
{
    return act->kind != ACTION_SET_STATUS && act->kind != ACTION_CONFIRM_JOB &&
           act->kind != ACTION_ASK_AUTOSCALER && act->kind != ACTION_EVENT && act->kind != ACTION_WAKE_AT;
}

/*
 * What is touched is the job's own; the status, or the question for it, is first and the only one, and no
 * write of a job that has not ended is without it; the wake-up is last and to come.
 */
static void check_safety(const struct scene *s, const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct action *act = &plan->actions[i];
        assert_true(*act->why != '\0');
        if (act->kind == ACTION_SET_STATUS || act->kind == ACTION_CONFIRM_JOB)
            assert_int_equal(i, 0);
        if (is_write(act) && !status_is_finished(&s->job.status))
            assert_true(plan->actions[0].kind == ACTION_SET_STATUS ||
                        plan->actions[0].kind == ACTION_CONFIRM_JOB);
        if (act->kind == ACTION_WAKE_AT)
            assert_true(i == plan->count - 1 && act->at_us > SCENE_NOW_US);
        if (act->kind == ACTION_DELETE_POD || act->kind == ACTION_END_GROUP)
            assert_string_equal(pod_of(s, act)->owner_uid, s->job.uid);
        if (act->kind == ACTION_DELETE_POLICY)
            assert_true(strcmp(s->w.policy->uid, act->uid) == 0 &&
                        strcmp(s->w.policy->owner_uid, s->job.uid) == 0);
        if (act->kind == ACTION_DELETE_SERVICE)
            assert_true(strcmp(s->w.service->uid, act->uid) == 0 &&
                        strcmp(s->w.service->owner_uid, s->job.uid) == 0);
        if (act->kind == ACTION_CREATE_POD || act->kind == ACTION_CREATE_SERVICE ||
            act->kind == ACTION_CREATE_POLICY)
            assert_false(s->job.is_deleting);
        if (act->kind == ACTION_UPDATE_POLICY)
            assert_string_equal(s->policy.owner_uid, s->job.uid);
        if (act->kind == ACTION_CREATE_POD) {
            const struct job_status *now =
                plan->actions[0].kind == ACTION_SET_STATUS ? plan->actions[0].status : &s->job.status;
            assert_int_equal(now->attempt, act->attempt);
        }
    }
}

static void check_text(const char *text, size_t most, const char *where)
{
    if (strlen(text) > most)
        fail_msg("%s has %zu characters, and the CRD allows %zu", where, strlen(text), most);
}

/* What the API server would refuse of a status, by the CRD's schema: the job would then stand still. */
static void check_schema(const struct job_status *s)
{
    check_text(s->reason, 64, "reason");
    check_text(s->message, 4096, "message");
    check_text(s->output.uri, 2048, "output.uri");
    check_text(s->output.manifest_sha256, 64, "output.manifestSHA256");
    check_text(s->checkpoint.uri, 2048, "checkpoint.uri");
    for (size_t i = 0; i < s->condition_count; i++) {
        assert_string_not_equal(s->conditions[i].reason, "");
        check_text(s->conditions[i].message, 4096, s->conditions[i].type);
    }
    for (size_t i = 0; i < s->failure_count; i++) {
        assert_string_not_equal(s->failures[i].reason, "");
        check_text(s->failures[i].reason, 64, "failures[].reason");
        check_text(s->failures[i].message, 2048, "failures[].message");
    }
    for (size_t i = 0; i < s->notification_count; i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(s->notifications[i].id, s->notifications[k].id);
}

static void check_fixpoint(const struct scene *s, const struct plan *plan, struct arena *a)
{
    size_t written = plan->count > 0 && plan->actions[0].kind == ACTION_SET_STATUS ? 1 : 0;
    const struct scene *after = scene_after(s, plan->actions, written, a);
    struct plan again = plan_job(&after->w, a);
    check_safety(after, &again);
    for (size_t i = 0; i < again.count; i++)
        if (again.actions[i].kind == ACTION_SET_STATUS || again.actions[i].kind == ACTION_EVENT)
            fail_msg("fixpoint: %s\nafter %s", plan_text(&again), plan_text(plan));
}

static bool is_idle(const struct plan *plan)
{
    return plan->count == 0 || (plan->count == 1 && plan->actions[0].kind == ACTION_WAKE_AT);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The world when nothing is left to do, as text. */
static char *end_text(const struct scene *s, struct arena *a)
{
    int rounds = 0;
    struct plan plan = plan_job(&s->w, a);
    for (; !is_idle(&plan); plan = plan_job(&s->w, a)) {
        if (++rounds > ROUNDS_MAX)
            fail_msg("it never comes to rest: %s", plan_text(&plan));
        s = scene_after(s, plan.actions, plan.count, a);
    }
    const char **names = arena_calloc(a, s->pod_count + 1, sizeof(*names));
    for (size_t i = 0; i < s->pod_count; i++)
        names[i] = s->pods[i]->name;
    qsort(names, s->pod_count, sizeof(*names), by_text);
    struct strbuf text = STRBUF(TEXT_MAX);
    add_status(&text, &s->job.status);
    for (size_t i = 0; i < s->pod_count; i++)
        strbuf_addf(&text, "\n%s", names[i]);
    return strbuf_take(&text);
}

/* Killed after any of the actions, the operator that starts next comes to the same end. */
static void check_crashes(const struct scene *s, const struct plan *plan, struct arena *a)
{
    char *expected CLEANUP(cleanup_free) = end_text(s, a);
    for (size_t n = 0; n <= plan->count; n++) {
        char *got CLEANUP(cleanup_free) = end_text(scene_after(s, plan->actions, n, a), a);
        if (strcmp(got, expected) != 0)
            fail_msg("killed after %zu of %zu actions:\n%s\nand not:\n%s", n, plan->count, got, expected);
    }
}

/* ---- the runner ---- */

/* A sentence: what would go wrong if plan() behaved otherwise. */
static void check_why(const json_t *test_case, const char *path)
{
    const char *why = json_string_value(json_object_get(test_case, "why"));
    size_t length = why != NULL ? strlen(why) : 0;
    if (length < WHY_LEAST || why[length - 1] != '.')
        fail_msg("%s: \"why\" must be a sentence that says why this behaviour is right", path);
}

static void run_case(void **state)
{
    const char *name = *state;
    struct arena *a CLEANUP(free_arena) = arena_new();
    json_error_t error;
    char *path CLEANUP(cleanup_free) = xasprintf("%s/%s", CASES, name);
    json_t *test_case CLEANUP(free_json) = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (test_case == NULL)
        fail_msg("%s:%d: %s", path, error.line, error.text);
    check_why(test_case, path);
    const struct scene *s = scene_read(test_case, a);
    struct plan plan = plan_job(&s->w, a);
    check_outcome(test_case, s, &plan);
    check_order(s, &plan, a);
    check_safety(s, &plan);
    if (plan.count > 0 && plan.actions[0].kind == ACTION_SET_STATUS)
        check_schema(plan.actions[0].status);
    check_fixpoint(s, &plan, a);
    check_crashes(s, &plan, a);
}

static int is_case(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot != NULL && strcmp(dot, ".json") == 0;
}

int main(void)
{
    struct dirent **files = NULL;
    int count = scandir(CASES, &files, is_case, alphasort);
    if (count < CASES_LEAST) {
        print_error("[  FAILED  ] %s holds %d cases; run this from the top of the tree\n", CASES, count);
        return 1;
    }
    struct CMUnitTest *tests = xcalloc((size_t)count, sizeof(*tests));
    for (int i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){
            .name = files[i]->d_name, .test_func = run_case, .initial_state = files[i]->d_name};
    int failed = _cmocka_run_group_tests("plan", tests, (size_t)count, NULL, NULL);
    for (int i = 0; i < count; i++)
        free(files[i]);
    free(files);
    free(tests);
    return failed != 0;
}
