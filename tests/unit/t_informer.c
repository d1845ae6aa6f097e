/* A cache of objects, against an API server of a few lines on the same loop. */
#include "kube/informer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apiserver.h"
#include "base/alloc.h"
#include "data/skim.h"
#include "os/loop.h"

#include "base/banned.h"

#define LIST(version, items) "{\"metadata\":{\"resourceVersion\":\"" version "\"},\"items\":[" items "]}"
#define OBJECT(name, word)                                                                                   \
    "{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"7\"},\"word\":\"" word "\"}"

struct cluster {
    struct apiserver server;
    struct informer_kind kind;
    struct informer *informer;
    bool stops_at_trouble;
    size_t troubles, left_out, gone;
};

static bool is_watch(const struct visit *v)
{
    return strstr(v->text, "watch=1") != NULL;
}

/* The word; "unreadable" is no word. */
static void *reduce(struct view object, const void *previous)
{
    (void)previous;
    struct view word = skim_text(skim_at(object, "word"));
    return view_equal_text(word, "unreadable") ? NULL : view_dup(word);
}

static void on_change(void *context, const void *before, const void *after)
{
    struct cluster *c = context;
    c->gone += before != NULL && after == NULL;
}

static void on_undecodable(void *context, const struct informer_kind *kind, const char *ns, const char *name)
{
    struct cluster *c = context;
    (void)kind;
    assert_string_equal(ns, "");
    assert_string_equal(name, "a");
    c->left_out++;
}

static void on_error(void *context, const struct informer_kind *kind, const struct err *e)
{
    struct cluster *c = context;
    (void)kind;
    (void)e;
    c->troubles++;
    if (c->stops_at_trouble)
        loop_stop(c->server.loop, 0);
}

static const char *word_of(const struct cluster *c, const char *name)
{
    const char *word = store_get(informer_store(c->informer), "", name);
    return word == NULL ? "-" : word;
}

static void cluster_init(struct cluster *c)
{
    *c = (struct cluster){.stops_at_trouble = false};
    apiserver_init(&c->server);
    c->kind = (struct informer_kind){.path = "/things",
                                     .reduce = reduce,
                                     .free_facts = free,
                                     .on_change = on_change,
                                     .on_undecodable = on_undecodable,
                                     .on_error = on_error,
                                     .context = c};
    c->informer = informer_new(c->server.loop, c->server.client, &c->kind);
    informer_start(c->informer);
}

static void cluster_fini(struct cluster *c)
{
    informer_free(c->informer);
    apiserver_fini(&c->server);
}

/* ---- tests ---- */
static void lists_then_watches_and_lists_again_what_a_watch_cannot_tell(void **state)
{
    struct cluster c;
    (void)state;
    cluster_init(&c);
    struct visit *list = apiserver_next(&c.server);
    assert_false(is_watch(list));
    assert_false(informer_is_synced(c.informer));
    apiserver_answer(list, "200 OK", LIST("5", OBJECT("a", "one")));
    struct visit *watch = apiserver_next(&c.server);
    assert_true(is_watch(watch));
    assert_non_null(strstr(watch->text, "resourceVersion=5"));
    assert_true(informer_is_current(c.informer));
    assert_string_equal(word_of(&c, "a"), "one");
    apiserver_answer(
        watch, "200 OK",
        "{\"type\":\"MODIFIED\",\"object\":" OBJECT(
            "a", "two") "}"
                        "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"reason\":"
                        "\"Expired\"}}");
    list = apiserver_next(&c.server);
    assert_false(is_watch(list));
    assert_string_equal(word_of(&c, "a"), "two");
    apiserver_answer(list, "200 OK", LIST("9", OBJECT("b", "three")));
    watch = apiserver_next(&c.server);
    assert_non_null(strstr(watch->text, "resourceVersion=9"));
    assert_string_equal(word_of(&c, "a"), "-");
    assert_string_equal(word_of(&c, "b"), "three");
    assert_int_equal(c.gone, 1);
    cluster_fini(&c);
}

/* The server cannot tell of one event: it could not the next time either. */
static void an_error_in_a_watch_is_got_past_by_a_list(void **state)
{
    struct cluster c;
    (void)state;
    cluster_init(&c);
    apiserver_answer(apiserver_next(&c.server), "200 OK", LIST("5", ""));
    apiserver_answer(
        apiserver_next(&c.server), "200 OK",
        "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":500,\"reason\":\"InternalError\"}}");
    assert_false(is_watch(apiserver_next(&c.server)));
    assert_int_equal(c.troubles, 1);
    cluster_fini(&c);
}

/* It was asked for before whatever the caller knows of. */
static void a_list_that_is_on_its_way_is_not_new_enough(void **state)
{
    struct cluster c;
    (void)state;
    cluster_init(&c);
    struct visit *early = apiserver_next(&c.server);
    informer_relist(c.informer);
    struct visit *late = apiserver_next(&c.server);
    assert_false(is_watch(late));
    apiserver_answer(early, "200 OK", LIST("5", OBJECT("a", "early")));
    apiserver_answer(late, "200 OK", LIST("6", OBJECT("a", "late")));
    struct visit *watch = apiserver_next(&c.server);
    assert_non_null(strstr(watch->text, "resourceVersion=6"));
    assert_string_equal(word_of(&c, "a"), "late");
    cluster_fini(&c);
}

static void a_new_list_does_not_come_before_the_server_wants_it(void **state)
{
    struct cluster c;
    (void)state;
    cluster_init(&c);
    apiserver_answer(apiserver_next(&c.server), "200 OK", LIST("5", ""));
    apiserver_answer(apiserver_next(&c.server), "429 Too Many Requests\r\nRetry-After: 1",
                     "{\"kind\":\"Status\",\"message\":\"wait\"}");
    int64_t asked_ms = clock_boot_ms();
    c.stops_at_trouble = true;
    loop_run(c.server.loop);
    informer_relist(c.informer);
    assert_false(is_watch(apiserver_next(&c.server)));
    assert_true(clock_boot_ms() - asked_ms >= 900);
    cluster_fini(&c);
}

static void what_cannot_be_read_is_left_out_and_told(void **state)
{
    struct cluster c;
    (void)state;
    cluster_init(&c);
    apiserver_answer(apiserver_next(&c.server), "200 OK",
                     LIST("5", OBJECT("a", "one") "," OBJECT("b", "two")));
    apiserver_answer(apiserver_next(&c.server), "200 OK",
                     "{\"type\":\"MODIFIED\",\"object\":" OBJECT("a", "unreadable") "}");
    assert_true(is_watch(apiserver_next(&c.server)));
    assert_string_equal(word_of(&c, "a"), "-");
    assert_string_equal(word_of(&c, "b"), "two");
    assert_int_equal(c.left_out, 1);
    assert_int_equal(c.gone, 1);
    assert_int_equal(c.troubles, 0);
    cluster_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_then_watches_and_lists_again_what_a_watch_cannot_tell),
        cmocka_unit_test(an_error_in_a_watch_is_got_past_by_a_list),
        cmocka_unit_test(a_list_that_is_on_its_way_is_not_new_enough),
        cmocka_unit_test(a_new_list_does_not_come_before_the_server_wants_it),
        cmocka_unit_test(what_cannot_be_read_is_left_out_and_told),
    };
    return cmocka_run_group_tests_name("informer", tests, apiserver_set_up, NULL);
}
