#include "kobj/wire_meta.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/model/pod_wire.h"
#include "data/skim.h"
#include "kobj/status.h"
#include "messages.h"

#include "base/banned.h"

#define MAX ((size_t)65536)

static void check(const struct wire_message *m, struct strbuf *message, const char *json)
{
    struct strbuf text = STRBUF(MAX);
    struct err e CLEANUP(err_fini) = {0};
    assert_int_equal(wire_to_json(m, strbuf_view(message), &text, &e), 0);
    assert_string_equal(strbuf_text(&text), json);
    strbuf_fini(&text);
    strbuf_fini(message);
}

static enum err_code trouble(const struct wire_message *m, struct view message, size_t max)
{
    struct strbuf text = STRBUF(max);
    struct err e CLEANUP(err_fini) = {0};
    int result = wire_to_json(m, message, &text, &e);
    strbuf_fini(&text);
    return result < 0 ? e.code : ERR_NONE;
}

/* A pod whose spec is that; takes it. */
static void check_spec(struct strbuf *spec, const char *json)
{
    struct strbuf pod = STRBUF(MAX);
    char whole[1024];
    snprintf(whole, sizeof(whole), "{\"spec\":%s}", json);
    put_part(&pod, 2, spec);
    check(&pod_wire, &pod, whole);
}

static void writes_metadata_without_managed_fields(void **state)
{
    (void)state;
    struct strbuf meta = STRBUF(MAX), part = STRBUF(MAX);
    put_text(&meta, 1, "a");
    put_text(&meta, 2, "");
    put_text(&meta, 3, "ns");
    put_text(&meta, 4, "");
    put_number(&part, 1, 1767268800);
    put_number(&part, 2, 0);
    put_part(&meta, 8, &part);
    put_number(&meta, 10, 0);
    for (int i = 0; i < 2; i++) {
        put_text(&part, 1, i == 0 ? "k\"" : "l");
        put_text(&part, 2, i == 0 ? "a\\b\n" : "");
        put_part(&meta, 11, &part);
    }
    put_text(&part, 4, "u");
    put_number(&part, 6, 0);
    put_part(&meta, 13, &part);
    put_text(&meta, 17, "managed");
    check(&wire_object_meta, &meta,
          "{\"name\":\"a\",\"namespace\":\"ns\",\"creationTimestamp\":\"2026-01-01T12:00:00Z\","
          "\"deletionGracePeriodSeconds\":0,\"labels\":{\"k\\\"\":\"a\\\\b\\u000a\",\"l\":\"\"},"
          "\"ownerReferences\":[{\"uid\":\"u\",\"controller\":false}]}");
}

/* As the API server does, whose JSON is always UTF-8; jansson takes nothing else, so a pod with such a
 * message could not be told of. */
static void replaces_what_is_no_character(void **state)
{
    (void)state;
    struct strbuf meta = STRBUF(MAX);
    put_text(&meta, 1, "ok \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xff\xc3(\xed\xa0\x80 cut \xe2\x82");
    check(&wire_object_meta, &meta,
          "{\"name\":\"ok \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 "
          "\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd cut "
          "\xef\xbf\xbd\xef\xbf\xbd\"}");
}

/* Each ASCII character at each place of a text, which is gone through by words. */
static void escapes_what_stands_anywhere(void **state)
{
    (void)state;
    enum { LENGTH = 19 };
    for (size_t i = 0; i < LENGTH * 127; i++) {
        struct strbuf meta = STRBUF(MAX), json = STRBUF(MAX);
        char text[LENGTH + 1] = "abcdefghijklmnopqrs", back[6 * LENGTH + 1];
        text[i / 127] = (char)(i % 127 + 1);
        put_text(&meta, 1, text);
        assert_int_equal(wire_to_json(&wire_object_meta, strbuf_view(&meta), &json, NULL), 0);
        struct view written = skim_text(skim_at(strbuf_view(&json), "name"));
        for (size_t k = 0; k < written.len; k++)
            assert_true((unsigned char)written.ptr[k] >= ' ');
        assert_int_equal(skim_unescape(written, back), LENGTH);
        assert_string_equal(back, text);
        strbuf_fini(&meta);
        strbuf_fini(&json);
    }
}

static void no_time_is_null(void **state)
{
    (void)state;
    struct strbuf meta = STRBUF(MAX);
    put_text(&meta, 8, "");
    check(&wire_object_meta, &meta, "{\"creationTimestamp\":null}");
}

/* As Go's "omitempty" does, but a pointer's zero stays. */
static void leaves_out_the_zeros_that_json_leaves_out(void **state)
{
    (void)state;
    struct strbuf spec = STRBUF(MAX);
    put_text(&spec, 8, "");
    put_number(&spec, 11, 0);
    put_number(&spec, 12, 1);
    put_number(&spec, 21, 0);
    put_number(&spec, 37, 0);
    check_spec(&spec, "{\"hostPID\":true,\"automountServiceAccountToken\":false,\"hostUsers\":false}");
}

static void puts_the_members_of_a_part_into_the_whole(void **state)
{
    (void)state;
    struct strbuf spec = STRBUF(MAX), volume = STRBUF(MAX), source = STRBUF(MAX), part = STRBUF(MAX),
                  quantity = STRBUF(MAX);
    put_text(&quantity, 1, "1Gi");
    put_text(&part, 1, "Memory");
    put_part(&part, 2, &quantity);
    put_part(&source, 2, &part);
    put_text(&volume, 1, "v");
    put_part(&volume, 2, &source);
    put_part(&spec, 1, &volume);
    check_spec(&spec,
               "{\"volumes\":[{\"name\":\"v\",\"emptyDir\":{\"medium\":\"Memory\",\"sizeLimit\":\"1Gi\"}}]}");
}

/* What a newer API server says within a fingerprint is not passed over. Elsewhere it is. */
static void tells_what_it_does_not_know_where_that_counts(void **state)
{
    (void)state;
    struct strbuf spec = STRBUF(MAX), part = STRBUF(MAX);
    put_number(&part, 3, 1);
    put_text(&part, 99, "\xff");
    put_number(&part, 100, 5);
    put_text(&part, 101, ""); /* that nobody has set */
    put_number(&part, 102, 0);
    put_part(&spec, 14, &part);
    put_text(&spec, 99, "new");
    check_spec(&spec, "{\"securityContext\":{\"runAsNonRoot\":true,\"#99\":\"ff\",\"#100\":\"05\"}}");
}

static void writes_what_it_never_sends_as_bytes(void **state)
{
    (void)state;
    struct strbuf spec = STRBUF(MAX), container = STRBUF(MAX);
    put_text(&container, 1, "c");
    put_text(&container, 12, "ab");
    put_text(&container, 19, "");
    put_part(&spec, 2, &container);
    put_text(&spec, 34, "x");
    put_text(&spec, 34, "y");
    check_spec(&spec, "{\"containers\":[{\"name\":\"c\",\"lifecycle\":\"6162\",\"envFrom\":[\"\"]}],"
                      "\"ephemeralContainers\":[\"78\",\"79\"]}");
}

static void refuses_what_is_no_such_message(void **state)
{
    (void)state;
    assert_int_equal(trouble(&wire_object_meta, VIEW_LITERAL("\x0a\x05"), MAX), ERR_PROTOCOL);
    assert_int_equal(trouble(&wire_object_meta, VIEW_LITERAL("\x08\x05"), MAX),
                     ERR_PROTOCOL); /* a number as name */
    assert_int_equal(trouble(&wire_object_meta, VIEW_LITERAL("\x52\x01x"), MAX),
                     ERR_PROTOCOL); /* text as number */
    assert_int_equal(trouble(&wire_object_meta, VIEW_LITERAL("\x5a\x02\x0a\x05"), MAX),
                     ERR_PROTOCOL); /* within a label */
    assert_int_equal(trouble(&wire_object_meta,
                             VIEW_LITERAL("\x42\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x10\x00"), MAX),
                     ERR_PROTOCOL); /* a time beyond all calendars */
    assert_int_equal(trouble(&wire_object_meta, VIEW_LITERAL("\x0a\x05hello"), 12), ERR_TOO_LARGE);
}

static void opens_envelopes(void **state)
{
    (void)state;
    struct strbuf message = STRBUF(MAX), envelope = STRBUF(MAX);
    struct view v;
    put_text(&message, 1, "m");
    put_envelope(&envelope, "Pod", &message);
    assert_true(wire_open(strbuf_view(&envelope), &v));
    assert_true(view_equal(v, VIEW_LITERAL("\x0a\x01m")));
    assert_false(wire_open(view_from("k8s"), &v));
    assert_false(wire_open(view_from("{\"kind\":\"Pod\"}"), &v));
    assert_false(wire_open(view_of(envelope.data, 8), &v));
    strbuf_fini(&envelope);
}

static void writes_events(void **state)
{
    (void)state;
    struct strbuf pod = STRBUF(MAX), meta = STRBUF(MAX), envelope = STRBUF(MAX), event = STRBUF(MAX),
                  text = STRBUF(MAX);
    put_text(&meta, 6, "7");
    put_part(&pod, 1, &meta);
    put_envelope(&envelope, "Pod", &pod);
    put_event(&event, "BOOKMARK", &envelope);
    assert_int_equal(wire_event_to_json(&pod_wire, view_skip(strbuf_view(&event), 4), &text, NULL), 0);
    assert_string_equal(strbuf_text(&text),
                        "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"7\"}}}");
    strbuf_fini(&event);
    strbuf_fini(&text);
    assert_int_equal(wire_event_to_json(&pod_wire, view_from(""), &text, NULL), -1);
    assert_int_equal(wire_event_to_json(&pod_wire,
                                        VIEW_LITERAL("\x0a\x05"
                                                     "ADDED"),
                                        &text, NULL),
                     -1);
    strbuf_fini(&text);
}

/* In its envelope. */
static void put_status(struct strbuf *to)
{
    struct strbuf status = STRBUF(MAX);
    put_text(&status, 1, "");
    put_text(&status, 2, "Failure");
    put_text(&status, 3, "too old resource version: 1 (2)");
    put_text(&status, 4, "Expired");
    put_number(&status, 6, 410);
    put_envelope(to, "Status", &status);
}

static void reads_a_status_in_an_event_and_in_an_answer(void **state)
{
    (void)state;
    struct strbuf envelope = STRBUF(MAX), event = STRBUF(MAX), text = STRBUF(MAX);
    struct err e CLEANUP(err_fini) = {0};
    put_status(&envelope);
    assert_int_equal(status_to_err(410, strbuf_view(&envelope), &e), -1);
    assert_int_equal(e.code, ERR_GONE);
    assert_string_equal(e.text, "too old resource version: 1 (2)");
    put_event(&event, "ERROR", &envelope);
    assert_int_equal(wire_event_to_json(&pod_wire, view_skip(strbuf_view(&event), 4), &text, &e), 0);
    assert_string_equal(strbuf_text(&text), "{\"type\":\"ERROR\",\"object\":{\"message\":\"too old resource "
                                            "version: 1 (2)\",\"reason\":\"Expired\",\"code\":410}}");
    strbuf_fini(&event);
    strbuf_fini(&text);
}

/* A field is looked up by a walk along the table. */
static void check_tables(const struct wire_message *m)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct wire_member *member = &m->members[i];
        bool has_message = member->kind == WIRE_MESSAGE || member->kind == WIRE_INLINE;
        assert_true(i == 0 || m->members[i - 1].number < member->number);
        assert_int_equal(member->message != NULL, has_message);
        assert_int_equal(member->key.len == 0, member->kind == WIRE_INLINE);
        if (has_message)
            check_tables(member->message);
    }
}

static void tables_are_in_order(void **state)
{
    (void)state;
    check_tables(&pod_wire);
    check_tables(&wire_list_meta);
    check_tables(&wire_status);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_metadata_without_managed_fields),
        cmocka_unit_test(replaces_what_is_no_character),
        cmocka_unit_test(escapes_what_stands_anywhere),
        cmocka_unit_test(no_time_is_null),
        cmocka_unit_test(leaves_out_the_zeros_that_json_leaves_out),
        cmocka_unit_test(puts_the_members_of_a_part_into_the_whole),
        cmocka_unit_test(tells_what_it_does_not_know_where_that_counts),
        cmocka_unit_test(writes_what_it_never_sends_as_bytes),
        cmocka_unit_test(refuses_what_is_no_such_message),
        cmocka_unit_test(opens_envelopes),
        cmocka_unit_test(writes_events),
        cmocka_unit_test(reads_a_status_in_an_event_and_in_an_answer),
        cmocka_unit_test(tables_are_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
