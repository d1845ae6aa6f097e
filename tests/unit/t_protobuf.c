#include "data/protobuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "messages.h"

#include "base/banned.h"

#define BROKEN -1

/* How many fields can be read, or BROKEN. */
static int fields(const char *bytes, size_t length)
{
    struct protobuf p = protobuf_open(view_of(bytes, length));
    struct protobuf_field f;
    int count = 0;
    while (protobuf_next(&p, &f))
        count++;
    return p.is_broken ? BROKEN : count;
}

#define FIELDS(bytes) fields(bytes, sizeof(bytes) - 1)

/* The examples of the specification, and one of each type. */
static void reads_the_fields_of_a_message(void **state)
{
    (void)state;
    static const char bytes[] = "\x08\x96\x01"
                                "\x12\x07testing"
                                "\x19\1\2\3\4\5\6\7\10"
                                "\x25\1\2\3\4"
                                "\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    struct protobuf p = protobuf_open(view_of(bytes, sizeof(bytes) - 1));
    struct protobuf_field f;
    assert_true(protobuf_next(&p, &f));
    assert_int_equal(f.number, 1);
    assert_int_equal(f.value, 150);
    assert_true(protobuf_next(&p, &f));
    assert_int_equal(f.number, 2);
    assert_true(f.type == PROTOBUF_BYTES && view_equal_text(f.bytes, "testing"));
    assert_true(protobuf_next(&p, &f));
    assert_true(f.number == 3 && f.type == PROTOBUF_FIXED64 && f.bytes.len == 8);
    assert_true(protobuf_next(&p, &f));
    assert_true(f.number == 4 && f.type == PROTOBUF_FIXED32 && f.bytes.len == 4);
    assert_true(protobuf_next(&p, &f));
    assert_true(f.number == 5 && (int64_t)f.value == -1);
    assert_false(protobuf_next(&p, &f));
    assert_false(p.is_broken);
}

static void an_empty_message_has_no_fields(void **state)
{
    (void)state;
    assert_int_equal(FIELDS(""), 0);
    assert_int_equal(FIELDS("\x0a\x00"), 1);
}

static void knows_what_is_no_message(void **state)
{
    (void)state;
    assert_int_equal(FIELDS("\x08"), BROKEN);                                             /* no value */
    assert_int_equal(FIELDS("\x0a\x05hell"), BROKEN);                                     /* too short */
    assert_int_equal(FIELDS("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x"), BROKEN);    /* 2^64 - 1 bytes */
    assert_int_equal(FIELDS("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), BROKEN);     /* over 64 bits */
    assert_int_equal(FIELDS("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), BROKEN); /* over 10 bytes */
    assert_int_equal(FIELDS("\x00\x01"), BROKEN);                                         /* field 0 */
    assert_int_equal(FIELDS("\x80\x80\x80\x80\x10\x01"), BROKEN);                         /* field 2^29 */
    assert_int_equal(FIELDS("\x0b\x0c"), BROKEN);                                         /* a group */
    assert_int_equal(FIELDS("\x0e"), BROKEN);                                             /* no such type */
    assert_int_equal(FIELDS("\x19\1\2\3\4\5\6\7"), BROKEN);
    assert_int_equal(FIELDS("\x25\1\2\3"), BROKEN);
}

static void a_broken_message_stays_broken(void **state)
{
    (void)state;
    struct protobuf p = protobuf_open(VIEW_LITERAL("\x0e\x08\x01"));
    struct protobuf_field f;
    assert_false(protobuf_next(&p, &f));
    assert_false(protobuf_next(&p, &f));
    assert_true(p.is_broken);
}

/* Each beginning lies at the end of its memory, where a sanitizer sees a read beyond it. */
static void never_reads_beyond_a_torn_message(void **state)
{
    (void)state;
    struct strbuf whole = STRBUF(1024);
    put_number(&whole, 1, 300);
    put_text(&whole, 200, "some text");
    put_number(&whole, 7, UINT64_MAX);
    for (size_t length = 0; length < whole.len; length++) {
        char *torn = malloc(length > 0 ? length : 1);
        assert_non_null(torn);
        memcpy(torn, whole.data, length);
        (void)fields(torn, length);
        free(torn);
    }
    assert_int_equal(fields(whole.data, whole.len), 3);
    strbuf_fini(&whole);
}

static void reads_a_head_when_it_is_whole(void **state)
{
    (void)state;
    static const char bytes[] = "\x92\x01\x96\x01";
    uint32_t number = 0;
    uint64_t length = 0;
    for (size_t n = 0; n < 4; n++)
        assert_int_equal(protobuf_head(view_of(bytes, n), &number, &length), 0);
    assert_int_equal(protobuf_head(view_of(bytes, 4), &number, &length), 4);
    assert_int_equal(number, 18);
    assert_int_equal(length, 150);
    assert_int_equal(protobuf_head(VIEW_LITERAL("\x08\x01"), &number, &length), -1);
    assert_int_equal(
        protobuf_head(VIEW_LITERAL("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), &number, &length), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_fields_of_a_message),     cmocka_unit_test(an_empty_message_has_no_fields),
        cmocka_unit_test(knows_what_is_no_message),          cmocka_unit_test(a_broken_message_stays_broken),
        cmocka_unit_test(never_reads_beyond_a_torn_message), cmocka_unit_test(reads_a_head_when_it_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
