#include "kube/framer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kobj/wire_meta.h"
#include "messages.h"

#include "base/banned.h"

#define MAX ((size_t)65536)
enum { ITEM_MAX = 64 };

/* Objects are such metadata. */
#define OBJECT(name) "{\"name\":\"" name "\"}|"

/* Items end with '|'. */
static int collect(void *context, struct view text, struct err *e)
{
    (void)e;
    strbuf_add_view(context, text);
    strbuf_add_char(context, '|');
    return 0;
}

/* Feeds the bytes in pieces of `step`; the error's code, or ERR_NONE. */
static enum err_code feed(struct framer *f, struct view bytes, size_t step)
{
    struct err e CLEANUP(err_fini) = {0};
    for (; bytes.len > 0; bytes = view_skip(bytes, step))
        if (framer_feed(f, bytes.ptr, bytes.len < step ? bytes.len : step, &e) < 0)
            return e.code;
    return ERR_NONE;
}

/* Whatever the framer says, it must be the same however the bytes come. */
static enum err_code feed_all(enum framer_kind kind, struct view bytes, size_t step, struct strbuf *found,
                              bool *ret_complete)
{
    struct framer f;
    framer_init(&f, kind, ITEM_MAX, collect, found);
    framer_expect_protobuf(&f, &wire_object_meta);
    enum err_code code = feed(&f, bytes, step);
    strbuf_add_view(found, strbuf_view(&f.head));
    *ret_complete = f.is_complete;
    framer_fini(&f);
    return code;
}

static void check(enum framer_kind kind, const struct strbuf *bytes, const char *expected)
{
    for (size_t step = 1; step <= bytes->len; step++) {
        struct strbuf found = STRBUF(MAX);
        bool is_complete;
        assert_int_equal(feed_all(kind, strbuf_view(bytes), step, &found, &is_complete), ERR_NONE);
        assert_string_equal(strbuf_text(&found), expected);
        assert_int_equal(is_complete, kind == FRAMER_LIST);
        strbuf_fini(&found);
    }
}

static enum err_code trouble(enum framer_kind kind, struct view bytes)
{
    struct strbuf found = STRBUF(MAX);
    bool is_complete;
    enum err_code code = feed_all(kind, bytes, 1, &found, &is_complete);
    strbuf_fini(&found);
    return code;
}

static void put_item(struct strbuf *list, const char *name)
{
    struct strbuf object = STRBUF(MAX);
    if (*name != '\0')
        put_text(&object, 1, name);
    put_text(&object, 17, "managed");
    put_part(list, 2, &object);
}

static void put_head(struct strbuf *list, const char *version, const char *page)
{
    struct strbuf meta = STRBUF(MAX);
    put_text(&meta, 1, "");
    put_text(&meta, 2, version);
    put_text(&meta, 3, page);
    put_part(list, 1, &meta);
}

/* Two objects of which one is empty, and a part that is not known. */
static void put_list(struct strbuf *to)
{
    struct strbuf list = STRBUF(MAX);
    put_head(&list, "7", "next");
    put_item(&list, "a");
    put_text(&list, 3, "new");
    put_item(&list, "");
    put_text(&list, 3, "");
    put_envelope(to, "PodList", &list);
}

static void put_object_event(struct strbuf *to, const char *type, const char *name)
{
    struct strbuf object = STRBUF(MAX), envelope = STRBUF(MAX);
    put_text(&object, 1, name);
    put_envelope(&envelope, "Pod", &object);
    put_event(to, type, &envelope);
}

static void splits_a_list_wherever_it_is_torn(void **state)
{
    (void)state;
    struct strbuf bytes = STRBUF(MAX);
    put_list(&bytes);
    check(FRAMER_LIST, &bytes,
          OBJECT("a") "{}|{\"metadata\":{\"resourceVersion\":\"7\",\"continue\":\"next\"}}");
    strbuf_fini(&bytes);
}

static void takes_empty_lists(void **state)
{
    (void)state;
    struct strbuf bytes = STRBUF(MAX), list = STRBUF(MAX);
    put_envelope(&bytes, "PodList", &list);
    check(FRAMER_LIST, &bytes, "");
    strbuf_fini(&bytes);
    put_head(&list, "8", "");
    put_envelope(&bytes, "PodList", &list);
    check(FRAMER_LIST, &bytes, "{\"metadata\":{\"resourceVersion\":\"8\"}}");
    strbuf_fini(&bytes);
}

static void splits_a_watch_wherever_it_is_torn(void **state)
{
    (void)state;
    struct strbuf bytes = STRBUF(MAX);
    put_object_event(&bytes, "ADDED", "a");
    put_object_event(&bytes, "DELETED", "");
    check(FRAMER_WATCH, &bytes,
          "{\"type\":\"ADDED\",\"object\":{\"name\":\"a\"}}|{\"type\":\"DELETED\",\"object\":{}}|");
    strbuf_fini(&bytes);
}

/* The framer is used again for the next list, which may come in JSON. */
static void forgets_what_was_before(void **state)
{
    (void)state;
    struct strbuf bytes = STRBUF(MAX), found = STRBUF(MAX);
    struct framer f;
    put_list(&bytes);
    framer_init(&f, FRAMER_LIST, ITEM_MAX, collect, &found);
    for (size_t length = 0; length < bytes.len; length++) {
        framer_reset(&f, FRAMER_LIST);
        framer_expect_protobuf(&f, &wire_object_meta);
        assert_int_equal(feed(&f, view_of(bytes.data, length), length), ERR_NONE);
        framer_reset(&f, FRAMER_LIST);
        strbuf_clear(&found);
        assert_int_equal(feed(&f, view_from("{\"items\":[{\"a\":1}]}"), 3), ERR_NONE);
        assert_string_equal(strbuf_text(&found), "{\"a\":1}|");
        assert_true(f.is_complete);
    }
    framer_fini(&f);
    strbuf_fini(&bytes);
    strbuf_fini(&found);
}

static void a_torn_list_is_not_complete(void **state)
{
    (void)state;
    struct strbuf bytes = STRBUF(MAX), list = STRBUF(MAX);
    put_head(&list, "7", "");
    put_item(&list, "a");
    strbuf_add(&bytes, "k8s", 4);
    put_part(&bytes, 2, &list); /* ends with the last item, so that each byte counts */
    for (size_t length = 0; length <= bytes.len; length++) {
        struct strbuf found = STRBUF(MAX);
        bool is_complete;
        assert_int_equal(feed_all(FRAMER_LIST, view_of(bytes.data, length), 1, &found, &is_complete),
                         ERR_NONE);
        assert_int_equal(is_complete, length == bytes.len);
        strbuf_fini(&found);
    }
    strbuf_fini(&bytes);
}

static void refuses_what_is_too_large_or_no_protobuf(void **state)
{
    (void)state;
    assert_int_equal(trouble(FRAMER_LIST, view_from("{\"items\":[]}")), ERR_PROTOCOL);
    assert_int_equal(trouble(FRAMER_LIST, VIEW_LITERAL("k8s\0\x08\x01")), ERR_PROTOCOL);
    assert_int_equal(trouble(FRAMER_LIST, VIEW_LITERAL("k8s\0\x12\x03\x12\x02xx")), ERR_PROTOCOL);
    assert_int_equal(trouble(FRAMER_LIST, VIEW_LITERAL("k8s\0\x12\x01\x12\x01")), ERR_PROTOCOL);
    /* Refused before the bytes come. */
    assert_int_equal(trouble(FRAMER_LIST, VIEW_LITERAL("k8s\0\x12\xff\xff\x01\x12\x41")), ERR_TOO_LARGE);
    assert_int_equal(trouble(FRAMER_WATCH, VIEW_LITERAL("\0\0\0\x41")), ERR_TOO_LARGE);
    assert_int_equal(trouble(FRAMER_WATCH, view_from("{\"type\":\"ADDED\"}")), ERR_TOO_LARGE);
    assert_int_equal(trouble(FRAMER_WATCH, VIEW_LITERAL("\0\0\0\0")), ERR_PROTOCOL);
    assert_int_equal(trouble(FRAMER_WATCH, VIEW_LITERAL("\0\0\0\x03zzz")), ERR_PROTOCOL);
}

/* Each byte is replaced by each other one: it ends the same way, torn or whole, and no sanitizer objects. */
static void corrupt_bytes_do_no_harm(void **state)
{
    (void)state;
    for (enum framer_kind kind = FRAMER_WATCH; kind <= FRAMER_LIST; kind++) {
        struct strbuf bytes = STRBUF(MAX);
        if (kind == FRAMER_LIST)
            put_list(&bytes);
        else
            put_object_event(&bytes, "MODIFIED", "a");
        for (size_t i = 0; i < bytes.len * 256; i++) {
            struct strbuf whole = STRBUF(MAX), torn = STRBUF(MAX);
            bool is_whole_complete, is_torn_complete;
            char kept = bytes.data[i / 256];
            bytes.data[i / 256] = (char)(i % 256);
            enum err_code code = feed_all(kind, strbuf_view(&bytes), bytes.len, &whole, &is_whole_complete);
            assert_int_equal(feed_all(kind, strbuf_view(&bytes), 1, &torn, &is_torn_complete), code);
            assert_int_equal(is_whole_complete, is_torn_complete);
            assert_true(view_equal(strbuf_view(&whole), strbuf_view(&torn)));
            bytes.data[i / 256] = kept;
            strbuf_fini(&whole);
            strbuf_fini(&torn);
        }
        strbuf_fini(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_a_list_wherever_it_is_torn),
        cmocka_unit_test(takes_empty_lists),
        cmocka_unit_test(splits_a_watch_wherever_it_is_torn),
        cmocka_unit_test(forgets_what_was_before),
        cmocka_unit_test(a_torn_list_is_not_complete),
        cmocka_unit_test(refuses_what_is_too_large_or_no_protobuf),
        cmocka_unit_test(corrupt_bytes_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
