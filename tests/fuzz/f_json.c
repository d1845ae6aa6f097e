/*
 * Two readers of JSON: what jansson accepts, skim reads as the same values; what it refuses, skim survives.
 * Tables of fields decode what they have encoded.
 */
#include <string.h>

#include "base/alloc.h"
#include "data/field.h"
#include "data/js.h"
#include "data/quantity.h"
#include "data/skim.h"
#include "fuzz.h"

#include "base/banned.h"

enum { DEPTH_MAX = 200, PATH_MAX_BYTES = 100 };

/* ---- anything ---- */
static void walk(struct view value, struct view whole, unsigned depth)
{
    struct skim s = skim_open(value);
    struct view name, inner;
    CHECK(fuzz_is_within(value, whole));
    CHECK(fuzz_is_within(skim_text(value), value));
    while (depth < DEPTH_MAX && skim_next(&s, &name, &inner)) {
        CHECK(fuzz_is_within(name, whole));
        walk(inner, whole, depth + 1);
    }
}

static void unescape(struct view text)
{
    char *plain CLEANUP(cleanup_free) = xmalloc(text.len + 1);
    size_t length = skim_unescape(text, plain);
    CHECK(length <= text.len && plain[length] == '\0');
}

static void survive(struct view text)
{
    static const char *const names[] = {"metadata", "items", "a"};
    struct view members[ARRAY_LEN(names)];
    struct skim s = {text};
    walk(text, text, 0);
    unescape(text);
    (void)skim_hash(&s);
    CHECK(fuzz_is_within(s.rest, text));
    skim_members(text, names, ARRAY_LEN(names), members);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        CHECK(fuzz_is_within(members[i], text));
    CHECK(fuzz_is_within(skim_at(text, "metadata.labels.app"), text));
}

/* ---- valid JSON ---- */
/* What tells apart two texts of the same value, for skim. */
struct form {
    bool has_escaped_name; /* skim compares names as they are written */
    bool has_odd_number;   /* a number that jansson writes in another way */
};

static void agree(struct view value, const json_t *node, struct form *form);

static void agree_on_members(struct view value, const json_t *object, struct form *form)
{
    struct skim s = skim_open(value);
    struct view name, inner;
    size_t count = 0;
    while (skim_next(&s, &name, &inner)) {
        count++;
        if (name.len > 0 && memchr(name.ptr, '\\', name.len) != NULL) {
            form->has_escaped_name = true;
            continue;
        }
        char *key CLEANUP(cleanup_free) = view_dup(name);
        json_t *member = json_object_get(object, key);
        CHECK(member != NULL);
        agree(inner, member, form);
        if (strchr(key, '.') == NULL && name.len < PATH_MAX_BYTES && name.len > 0)
            CHECK(view_equal(skim_at(value, key), inner) &&
                  js_at(object, key) == (json_is_null(member) ? NULL : member));
    }
    CHECK(count == json_object_size(object));
}

static void agree_on_elements(struct view value, const json_t *array, struct form *form)
{
    struct skim s = skim_open(value);
    struct view name, inner;
    size_t count = 0;
    while (skim_next(&s, &name, &inner)) {
        CHECK(name.len == 0);
        agree(inner, json_array_get(array, count++), form);
    }
    CHECK(count == json_array_size(array));
}

static void agree_on_text(struct view value, const json_t *string)
{
    struct view text = skim_text(value);
    char *plain CLEANUP(cleanup_free) = xmalloc(text.len + 1);
    size_t length = skim_unescape(text, plain);
    CHECK(view_equal(view_of(plain, length), view_of(json_string_value(string), json_string_length(string))));
    if (length == text.len)
        CHECK(skim_is(value, plain));
}

static void agree_on_number(struct view value, const json_t *number, struct form *form)
{
    char *written CLEANUP(cleanup_free) = js_dump(number);
    form->has_odd_number = form->has_odd_number || !view_equal_text(value, written);
    if (json_is_integer(number))
        CHECK(skim_int(value, 77) == json_integer_value(number));
    else
        CHECK(skim_int(value, 77) == 77);
}

static void agree(struct view value, const json_t *node, struct form *form)
{
    switch (json_typeof(node)) {
    case JSON_OBJECT: agree_on_members(value, node, form); break;
    case JSON_ARRAY: agree_on_elements(value, node, form); break;
    case JSON_STRING: agree_on_text(value, node); break;
    case JSON_INTEGER:
    case JSON_REAL: agree_on_number(value, node, form); break;
    case JSON_TRUE: CHECK(view_equal_text(value, "true")); break;
    case JSON_FALSE: CHECK(view_equal_text(value, "false")); break;
    case JSON_NULL: CHECK(value.len == 0); break;
    }
}

static uint64_t hash_of(struct view text)
{
    struct skim s = {text};
    return skim_hash(&s);
}

/* The hash of a value does not depend on white space, order and escapes. */
static void check_hash(struct view text, const json_t *tree)
{
    char *sorted CLEANUP(cleanup_free) = json_dumps(tree, JSON_SORT_KEYS | JSON_ENSURE_ASCII);
    char *compact CLEANUP(cleanup_free) = js_dump(tree);
    CHECK(hash_of(view_from(compact)) == hash_of(text));
    if (strchr(sorted, '\\') == NULL)
        CHECK(hash_of(view_from(sorted)) == hash_of(text));
}

static void compare(struct view text, const json_t *tree)
{
    struct err e = {0};
    struct form form = {false};
    struct view value = view_trim(text);
    agree(value, tree, &form);
    if (!form.has_escaped_name && !form.has_odd_number)
        check_hash(value, tree);
    char *written CLEANUP(cleanup_free) = js_dump(tree);
    json_t *again CLEANUP(js_free) = js_parse(view_from(written), "what was written", &e);
    CHECK(again != NULL && json_equal(again, tree));
}

/* ---- tables ---- */
static const char *const words[] = {"", "Running", "Failed", NULL};

struct record {
    const char *text;
    int32_t small;
    int64_t large, time, quantity;
    bool flag;
    int word;
    const json_t *object, *array;
};

#define FIELD(path, kind, member, keep, words)                                                               \
    {                                                                                                        \
        path, FIELD_##kind, offsetof(struct record, member), keep, words                                     \
    }

static const struct field fields[] = {
    FIELD("text", TEXT, text, false, NULL),        FIELD("n.small", INT32, small, true, NULL),
    FIELD("n.large", INT64, large, false, NULL),   FIELD("time", TIME, time, false, NULL),
    FIELD("n.q", QUANTITY, quantity, false, NULL), FIELD("flag", BOOL, flag, false, NULL),
    FIELD("word", WORD, word, false, words),       FIELD("object", OBJECT, object, false, NULL),
    FIELD("array", ARRAY, array, false, NULL),
};

static bool is_same_record(const struct record *a, const struct record *b)
{
    return strcmp(a->text, b->text) == 0 && a->small == b->small && a->large == b->large &&
           a->time == b->time && a->flag == b->flag && a->word == b->word &&
           (a->object == NULL) == (b->object == NULL) &&
           (a->object == NULL || json_equal(a->object, b->object)) &&
           (a->array == NULL) == (b->array == NULL) && (a->array == NULL || json_equal(a->array, b->array));
}

static void decode_fields(const json_t *tree)
{
    struct err e = {0};
    struct record r = {.text = ""}, valid = {.text = ""}, again = {.text = ""};
    int result = fields_decode(fields, ARRAY_LEN(fields), tree, "spec.", &r, &e);
    fields_decode_valid(fields, ARRAY_LEN(fields), tree, &valid);
    CHECK(is_same_record(&r, &valid));
    if (result < 0) {
        CHECK(e.code == ERR_INVALID);
        fuzz_check_error(&e);
    }
    r.time = r.time / 1000000 * 1000000; /* written in whole seconds */
    json_t *written CLEANUP(js_free) = json_object();
    fields_encode(fields, ARRAY_LEN(fields), &r, written);
    CHECK(fields_decode(fields, ARRAY_LEN(fields), written, "", &again, &e) == 0);
    CHECK(is_same_record(&r, &again) && r.quantity >= 0);
}

/* Each quantity is the whole number that it was read as. */
static void check_quantity(const json_t *tree)
{
    int64_t n, again;
    if (quantity_from_json(js_at(tree, "n.q"), &n) < 0)
        return;
    char *text CLEANUP(cleanup_free) = xasprintf("%lld", (long long)n);
    CHECK(quantity_parse(view_from(text), &again) == 0 && again == n);
}

/* A number may be written as a string, as Google writes it. */
static void check_access(const json_t *tree)
{
    const json_t *large = js_at(tree, "n.large"), *flag = js_at(tree, "flag");
    int64_t n = js_int(tree, "n.large", INT64_MIN);
    CHECK(!json_is_integer(large) || n == json_integer_value(large));
    CHECK(!json_is_string(large) || n == INT64_MIN || n >= 0);
    CHECK(json_is_integer(large) || json_is_string(large) || n == INT64_MIN);
    CHECK(js_bool(tree, "flag", true) == !json_is_false(flag) &&
          js_bool(tree, "flag", false) == json_is_true(flag));
    CHECK(json_is_string(js_at(tree, "text")) || *js_text(tree, "text") == '\0');
}

/* As the agent does, before it parses anything. */
static void wipe_once(void)
{
    static bool is_done;
    if (!is_done)
        js_wipe_on_free();
    is_done = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct err e = {0};
    struct view text = view_of(bytes, length);
    wipe_once();
    survive(text);
    json_t *tree CLEANUP(js_free) = js_parse(text, "the input", &e);
    if (tree == NULL)
        fuzz_check_error(&e);
    json_t *foreign CLEANUP(js_free) = js_parse_foreign(text, "the input", &e);
    if (foreign == NULL)
        fuzz_check_error(&e);
    CHECK(tree == NULL || (foreign != NULL && json_equal(tree, foreign)));
    if (foreign != NULL) {
        decode_fields(foreign);
        check_quantity(foreign);
        check_access(foreign);
    }
    if (tree != NULL)
        compare(text, tree);
    return 0;
}
