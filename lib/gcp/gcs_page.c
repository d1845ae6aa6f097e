#include "gcp/gcs_page.h"

#include <string.h>

#include "base/alloc.h"
#include "data/js.h"
#include "gcp/gcs_int.h"

#include "base/banned.h"

void gcs_page_fini(struct gcs_page *p)
{
    for (size_t i = 0; i < p->count; i++)
        gcs_object_fini(&p->objects[i]);
    free(p->objects);
    free(p->next);
    *p = (struct gcs_page){.objects = NULL};
}

/* A name outside the prefix, or one that came before, would have another object taken for one of these. */
static int check_name(const struct gcs_page *p, const struct gcs_page_place *place, const char *name,
                      int *event, struct err *e)
{
    const char *before = p->count > 0 ? p->objects[p->count - 1].name : place->last;
    if (!view_has_prefix(view_from(name), place->prefix))
        return REPLY_FAIL(event, OUTSIDE, e, "the listing contains %s, which is outside this prefix", name);
    if (*before != '\0' && strcmp(name, before) <= 0)
        return REPLY_FAIL(event, UNSORTED, e, "the listing contains %s after %s", name, before);
    return 0;
}

static int take_items(struct gcs_page *p, const json_t *items, const struct gcs_page_place *place, int *event,
                      struct err *e)
{
    const json_t *item;
    size_t i;
    p->objects = xcalloc(json_array_size(items), sizeof(*p->objects));
    json_array_foreach(items, i, item)
    {
        struct gcs_object o;
        if (gcs_object_decode(item, &o, event, e) < 0)
            return -1;
        if (check_name(p, place, o.name, event, e) < 0) {
            gcs_object_fini(&o);
            return -1;
        }
        p->objects[p->count++] = o;
    }
    return 0;
}

int gcs_page_decode(const json_t *tree, const struct gcs_page_place *place, struct gcs_page *ret, int *event,
                    struct err *e)
{
    const json_t *items = js_at(tree, "items"), *next = js_at(tree, "nextPageToken");
    if ((items != NULL && !json_is_array(items)) || (next != NULL && !json_is_string(next)))
        return REPLY_FAIL(event, INCOMPLETE, e, "the listing is malformed");
    struct gcs_page p = {.next = xstrdup(js_text(tree, "nextPageToken"))};
    int result = *p.next != '\0' && strcmp(p.next, place->token) == 0
                     ? REPLY_FAIL(event, SAME_PAGE, e, "the listing does not end")
                     : take_items(&p, items, place, event, e);
    if (result == 0)
        *ret = p;
    else
        gcs_page_fini(&p);
    return result;
}
