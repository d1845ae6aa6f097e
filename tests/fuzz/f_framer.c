/*
 * Lists and watches of the API server, as JSON and as protobuf: the same items come out however the bytes
 * arrive, and for a whole list in JSON they are those that jansson finds.
 */
#include <string.h>

#include "base/alloc.h"
#include "core/model/pod_wire.h"
#include "data/js.h"
#include "fuzz.h"
#include "kube/framer.h"

#include "base/banned.h"

enum { ITEM_MAX = 8 * 1024, ITEMS_TEXT_MAX = 1024 * 1024 };

struct answer {
    struct strbuf items; /* one after the other, with a line break after each */
    size_t count;
    enum err_code code;
    bool is_complete;
};

static int on_item(void *context, struct view text, struct err *e)
{
    struct answer *a = context;
    (void)e;
    strbuf_add_view(&a->items, text);
    strbuf_add_char(&a->items, '\n');
    a->count++;
    return 0;
}

/* In two pieces, or byte by byte. */
static void read_answer(struct answer *ret, enum framer_kind kind, bool is_protobuf, struct view bytes,
                        size_t piece)
{
    struct framer f;
    struct err e = {0};
    int result = 0;
    *ret = (struct answer){.items = STRBUF(ITEMS_TEXT_MAX)};
    framer_init(&f, kind, ITEM_MAX, on_item, ret);
    if (is_protobuf)
        framer_expect_protobuf(&f, &pod_wire);
    while (bytes.len > 0 && result == 0) {
        size_t length = bytes.len < piece ? bytes.len : piece;
        /* a block of its own, which is gone before the next one comes */
        char *copy CLEANUP(cleanup_free) = xmalloc(length);
        memcpy(copy, bytes.ptr, length);
        result = framer_feed(&f, copy, length, &e);
        bytes = view_skip(bytes, length);
    }
    ret->code = e.code;
    ret->is_complete = f.is_complete;
    if (result < 0) {
        CHECK(e.code == ERR_PROTOCOL || e.code == ERR_TOO_LARGE);
        fuzz_check_error(&e);
    }
    framer_fini(&f);
}

/* How far the bytes were read before an item proved too large depends on the pieces; nothing else does. */
static void check_same(const struct answer *a, const struct answer *b)
{
    CHECK(a->code == b->code || a->code == ERR_TOO_LARGE || b->code == ERR_TOO_LARGE);
    if (a->code == ERR_TOO_LARGE || b->code == ERR_TOO_LARGE)
        return;
    CHECK(a->is_complete == b->is_complete && a->count == b->count);
    CHECK(view_equal(strbuf_view(&a->items), strbuf_view(&b->items)));
}

/* ---- the same list, read by jansson ---- */
/* The framer empties every array of that name at this depth. */
static void empty_managed_fields(json_t *item)
{
    const char *name;
    json_t *member;
    json_object_foreach(item, name, member)
    {
        json_t *fields = json_object_get(member, "managedFields");
        if (json_is_array(fields))
            json_array_clear(fields);
    }
}

static void compare_items(const struct answer *a, json_t *list)
{
    struct view rest = strbuf_view(&a->items);
    size_t i;
    json_t *item;
    struct err e = {0};
    CHECK(a->count == json_array_size(list));
    json_array_foreach(list, i, item)
    {
        json_t *framed CLEANUP(js_free) = js_parse(view_cut(rest, '\n', &rest), "an item", &e);
        CHECK(framed != NULL);
        empty_managed_fields(item);
        CHECK(json_equal(framed, item));
    }
}

static void compare_with_jansson(const struct answer *a, struct view text)
{
    struct err e = {0};
    json_t *tree CLEANUP(js_free) = js_parse(text, "a list", &e);
    err_fini(&e);
    bool has_odd_name =
        memmem(text.ptr, text.len, "\\\"", 2) != NULL || memmem(text.ptr, text.len, "\\u", 2) != NULL;
    if (!json_is_object(tree) || a->code != ERR_NONE || has_odd_name)
        return;
    CHECK(a->is_complete);
    json_t *items = json_object_get(tree, "items");
    if (json_is_array(items))
        compare_items(a, items);
    else
        CHECK(a->count == 0);
}

static void read_as(enum framer_kind kind, bool is_protobuf, struct view bytes, size_t cut)
{
    struct answer whole, pieces, single;
    read_answer(&whole, kind, is_protobuf, bytes, bytes.len);
    read_answer(&pieces, kind, is_protobuf, bytes, cut + 1);
    read_answer(&single, kind, is_protobuf, bytes, 1);
    check_same(&whole, &pieces);
    check_same(&whole, &single);
    if (kind == FRAMER_LIST && !is_protobuf)
        compare_with_jansson(&whole, bytes);
    strbuf_fini(&whole.items);
    strbuf_fini(&pieces.items);
    strbuf_fini(&single.items);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct view text = view_of(bytes, length);
    size_t cut = fuzz_cut(bytes, length);
    read_as(FRAMER_LIST, false, text, cut);
    read_as(FRAMER_WATCH, false, text, cut);
    read_as(FRAMER_LIST, true, text, cut);
    read_as(FRAMER_WATCH, true, text, cut);
    return 0;
}
