/*
 * Descriptions and listings of Cloud Storage: what is taken has a name, a possible size and a generation; a
 * page is sorted and within its prefix, and the page after it cannot begin with one of its names.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "data/js.h"
#include "fuzz.h"
#include "gcp/gcs_int.h"
#include "gcp/gcs_page.h"

#include "base/banned.h"

enum { NO_EVENT = -1 };

static void check_refused(int event, struct err *e)
{
    CHECK(e->code == ERR_PROTOCOL && event > REPLY_STATUS_MAX && event < REPLY_FAULT_END);
    fuzz_check_error(e);
}

static void check_object(const struct gcs_object *o)
{
    CHECK(o->name != NULL && *o->name != '\0' && o->generation > 0 && o->size <= 1ULL << 50);
    CHECK(o->sealed_name == NULL || *o->sealed_name != '\0');
}

static void read_object(const json_t *tree)
{
    struct gcs_object o = {.size = 77};
    struct err e = {0};
    int event = NO_EVENT;
    if (gcs_object_decode(tree, &o, &event, &e) < 0) {
        CHECK(o.size == 77 && o.name == NULL);
        check_refused(event, &e);
        return;
    }
    check_object(&o);
    gcs_object_fini(&o);
}

static void check_page(const json_t *tree, const struct gcs_page *p, const char *prefix)
{
    struct err e = {0};
    struct gcs_page again = {.count = 77};
    int event = NO_EVENT;
    for (size_t i = 0; i < p->count; i++) {
        check_object(&p->objects[i]);
        CHECK(view_has_prefix(view_from(p->objects[i].name), prefix));
        CHECK(i == 0 || strcmp(p->objects[i - 1].name, p->objects[i].name) < 0);
    }
    if (p->count == 0 && *p->next == '\0')
        return;
    /* The same page once more: its names have come before, or it is its own next page. */
    const struct gcs_page_place after = {
        .prefix = prefix, .token = p->next, .last = p->count > 0 ? p->objects[p->count - 1].name : ""};
    CHECK(gcs_page_decode(tree, &after, &again, &event, &e) < 0 && again.count == 77);
    check_refused(event, &e);
}

static void read_page(const json_t *tree, const char *prefix)
{
    struct gcs_page p = {.count = 77};
    struct err e = {0};
    int event = NO_EVENT;
    const struct gcs_page_place place = {.prefix = prefix, .token = "", .last = ""};
    if (gcs_page_decode(tree, &place, &p, &event, &e) < 0) {
        CHECK(p.count == 77 && p.objects == NULL);
        check_refused(event, &e);
        return;
    }
    check_page(tree, &p, prefix);
    gcs_page_fini(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct http_response r;
    struct err e = {0};
    int event = NO_EVENT;
    uint32_t crc = 77;
    CHECK(gcs_crc_decode(view_of(bytes, length), &crc) || crc == 77);
    http_response_init(&r);
    strbuf_add(&r.body, bytes, length);
    json_t *tree CLEANUP(js_free) = gcs_parse(&r, &event, &e);
    if (tree == NULL) {
        check_refused(event, &e);
    } else {
        read_object(tree);
        read_page(tree, "");
        read_page(tree, "ckpt/");
    }
    http_response_fini(&r);
    return 0;
}
