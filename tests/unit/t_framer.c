#include "kube/framer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/banned.h"

enum { ITEM_MAX = 64 };

/* Items end with '|'. */
static int collect(void *context, struct view text, struct err *e)
{
    (void)e;
    strbuf_add_view(context, text);
    strbuf_add_char(context, '|');
    return 0;
}

/* Feeds the text in pieces of `step` bytes; the error's code, or ERR_NONE. */
static enum err_code feed(struct framer *f, const char *text, size_t step)
{
    struct err e CLEANUP(err_fini) = {0};
    for (size_t at = 0, length = strlen(text); at < length; at += step)
        if (framer_feed(f, text + at, length - at < step ? length - at : step, &e) < 0)
            return e.code;
    return ERR_NONE;
}

static void check(enum framer_kind kind, const char *text, const char *items, const char *head)
{
    for (size_t step = 1; step <= strlen(text); step++) {
        struct strbuf found = STRBUF(4096);
        struct framer f;
        framer_init(&f, kind, ITEM_MAX, collect, &found);
        assert_int_equal(feed(&f, text, step), ERR_NONE);
        assert_string_equal(strbuf_text(&found), items);
        assert_string_equal(strbuf_text(&f.head), head);
        assert_int_equal(f.is_complete, kind == FRAMER_LIST);
        framer_fini(&f);
        strbuf_fini(&found);
    }
}

static enum err_code trouble(enum framer_kind kind, const char *text)
{
    struct strbuf found = STRBUF(4096);
    struct framer f;
    framer_init(&f, kind, ITEM_MAX, collect, &found);
    enum err_code code = feed(&f, text, strlen(text));
    framer_fini(&f);
    strbuf_fini(&found);
    return code;
}

static void splits_a_watch_wherever_it_is_torn(void **state)
{
    (void)state;
    check(FRAMER_WATCH, "{\"a\":{\"b\":[1,2]}}\n{\"c\":\"}{\\\"\\\\\"}\n\n {}",
          "{\"a\":{\"b\":[1,2]}}|{\"c\":\"}{\\\"\\\\\"}|{}|", "");
}

static void splits_a_list_and_keeps_its_head(void **state)
{
    (void)state;
    check(
        FRAMER_LIST,
        "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[{\"a\":[]},{\"b\":1}]}\n",
        "{\"a\":[]}|{\"b\":1}|",
        "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[]}");
}

static void finds_items_first_and_with_spaces(void **state)
{
    (void)state;
    check(FRAMER_LIST, "{ \"items\" : [ {\"a\" : 1} , {} ] , \"metadata\" : {} }", "{\"a\":1}|{}|",
          "{\"items\":[],\"metadata\":{}}");
}

static void takes_no_other_array_for_the_items(void **state)
{
    (void)state;
    check(FRAMER_LIST,
          "{\"metadata\":{\"items\":[{}]},\"x\":\"\\\"items\\\":[\",\"subitems\":[{}],\"items\":[]}", "",
          "{\"metadata\":{\"items\":[{}]},\"x\":\"\\\"items\\\":[\",\"subitems\":[{}],\"items\":[]}");
    check(FRAMER_LIST, "{\"items\":null}", "", "{\"items\":null}");
}

static void drops_managed_fields_of_objects_only(void **state)
{
    (void)state;
    check(FRAMER_WATCH, "{\"object\":{\"metadata\":{\"managedFields\":[{\"a\":[\"]\"]},1],\"n\":1}}}",
          "{\"object\":{\"metadata\":{\"managedFields\":[],\"n\":1}}}|", "");
    check(FRAMER_LIST, "{\"items\":[{\"metadata\":{\"n\":1,\"managedFields\":[{}]}},{}]}",
          "{\"metadata\":{\"n\":1,\"managedFields\":[]}}|{}|", "{\"items\":[]}");
    check(FRAMER_LIST, "{\"items\":[{\"managedFields\":[1]}]}", "{\"managedFields\":[1]}|", "{\"items\":[]}");
}

/* Nothing may be waited for that will be refused. */
static void refuses_what_has_no_end_before_it_ends(void **state)
{
    (void)state;
    char text[256];
    memset(text, '[', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(trouble(FRAMER_WATCH, text), ERR_TOO_LARGE);
    memcpy(text, "{\"items\":[{\"a\":\"", 16);
    assert_int_equal(trouble(FRAMER_LIST, text), ERR_TOO_LARGE);
}

static void refuses_what_is_too_large_or_no_json(void **state)
{
    (void)state;
    assert_int_equal(
        trouble(FRAMER_WATCH, "{\"a\":\"0123456789012345678901234567890123456789012345678901234567890123\"}"),
        ERR_TOO_LARGE);
    assert_int_equal(trouble(FRAMER_WATCH, "}"), ERR_PROTOCOL);
    assert_int_equal(trouble(FRAMER_WATCH, "<html>"), ERR_PROTOCOL);
    assert_int_equal(trouble(FRAMER_LIST, "{\"items\":[1]}"), ERR_PROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_a_watch_wherever_it_is_torn),
        cmocka_unit_test(splits_a_list_and_keeps_its_head),
        cmocka_unit_test(finds_items_first_and_with_spaces),
        cmocka_unit_test(takes_no_other_array_for_the_items),
        cmocka_unit_test(drops_managed_fields_of_objects_only),
        cmocka_unit_test(refuses_what_has_no_end_before_it_ends),
        cmocka_unit_test(refuses_what_is_too_large_or_no_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
