#include "gcp/gcs_list.h"

#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "data/js.h"
#include "gcp/gcs_int.h"
#include "net/url.h"

#include "base/banned.h"

enum { PAGE_BYTES_MAX = 16 * 1024 * 1024, PAGE_OBJECTS = 1000, PAGES_MAX = 10000, URL_MAX = 8192 };

/* A listing, and the page that was read last. */
struct paging {
    const struct gcs_bucket *b;
    const char *prefix;
    char *token; /* of the page that is asked for; "": the first one */
    char *last;  /* the name before this page, or its last once it is handed out; "": none */
    struct gcs_object *objects;
    size_t count;
    char *next; /* token of the next page; "": there is none */
    int event;
};

static void page_fini(struct paging *l)
{
    for (size_t i = 0; i < l->count; i++)
        gcs_object_fini(&l->objects[i]);
    free(l->objects);
    free(l->next);
    l->objects = NULL;
    l->next = NULL;
    l->count = 0;
}

static char *page_url(const struct paging *l)
{
    char *base CLEANUP(cleanup_free) = gcs_url(l->b, "", NULL);
    struct strbuf url = STRBUF(URL_MAX);
    strbuf_addf(&url, "%s?maxResults=%d&prefix=", base, PAGE_OBJECTS);
    url_add_encoded(&url, view_from(l->prefix));
    if (*l->token != '\0') {
        strbuf_add_text(&url, "&pageToken=");
        url_add_encoded(&url, view_from(l->token));
    }
    return strbuf_take(&url);
}

/* A name outside the prefix, or one that came before, would have another object taken for one of these. */
static int check_name(struct paging *l, const char *name, struct err *e)
{
    const char *before = l->count > 0 ? l->objects[l->count - 1].name : l->last;
    if (!view_has_prefix(view_from(name), l->prefix))
        return REPLY_FAIL(&l->event, OUTSIDE, e, "the listing contains %s, which is outside this prefix",
                          name);
    if (*before != '\0' && strcmp(name, before) <= 0)
        return REPLY_FAIL(&l->event, UNSORTED, e, "the listing contains %s after %s", name, before);
    return 0;
}

static int take_items(struct paging *l, const json_t *items, struct err *e)
{
    const json_t *item;
    size_t i;
    l->objects = xcalloc(json_array_size(items), sizeof(*l->objects));
    json_array_foreach(items, i, item)
    {
        struct gcs_object o;
        if (gcs_object_decode(item, &o, &l->event, e) < 0)
            return -1;
        if (check_name(l, o.name, e) < 0) {
            gcs_object_fini(&o);
            return -1;
        }
        l->objects[l->count++] = o;
    }
    return 0;
}

static int read_page(void *context, const struct http_response *r, struct err *e)
{
    struct paging *l = context;
    json_t *page CLEANUP(js_free) = gcs_parse(r, &l->event, e);
    page_fini(l);
    if (page == NULL)
        return -1;
    const json_t *items = js_at(page, "items"), *next = js_at(page, "nextPageToken");
    if ((items != NULL && !json_is_array(items)) || (next != NULL && !json_is_string(next)))
        return REPLY_FAIL(&l->event, INCOMPLETE, e, "the listing is malformed");
    l->next = xstrdup(js_text(page, "nextPageToken"));
    if (*l->next != '\0' && strcmp(l->next, l->token) == 0)
        return REPLY_FAIL(&l->event, SAME_PAGE, e, "the listing does not end");
    return take_items(l, items, e);
}

static int get_page(struct paging *l, struct err *e)
{
    char *url CLEANUP(cleanup_free) = page_url(l);
    struct gcp_request q = {.kind = REPLY_LIST,
                            .http = {.method = "GET", .url = url, .max_body_bytes = PAGE_BYTES_MAX},
                            .read = read_page,
                            .context = l,
                            .event = &l->event};
    struct http_response r;
    http_response_init(&r);
    int result = gcp_call(&l->b->client, &q, &r, e);
    http_response_fini(&r);
    return result;
}

/* Gives the page's objects away; who takes them may move their texts. */
static int hand_out(struct paging *l, int (*take)(void *context, struct gcs_object *o, struct err *e),
                    void *context, struct err *e)
{
    if (l->count > 0) {
        free(l->last);
        l->last = xstrdup(l->objects[l->count - 1].name);
    }
    for (size_t i = 0; i < l->count; i++)
        if (take(context, &l->objects[i], e) < 0)
            return -1;
    return 0;
}

/* Goes on to the next page. */
static void advance(struct paging *l)
{
    free(l->token);
    l->token = TAKE_PTR(l->next);
    page_fini(l);
}

/* A page without objects is legal; one after the other is no progress. */
static int pause_after(const struct paging *l, struct gcp_retry *retry, struct err *e)
{
    if (l->count > 0) {
        gcp_retry_renew(retry);
        return 0;
    }
    err_set(e, ERR_UNAVAILABLE, NULL, "the listing continues with empty pages");
    return gcp_retry_wait(retry, NULL, e);
}

static int list_pages(struct paging *l, int (*take)(void *context, struct gcs_object *o, struct err *e),
                      void *context, struct err *e)
{
    struct gcp_retry retry;
    gcp_client_retry_init(&l->b->client, &retry);
    for (int pages = 0; pages < PAGES_MAX; pages++) {
        if (get_page(l, e) < 0)
            return gcs_fail(l->b, l->prefix, e);
        if (hand_out(l, take, context, e) < 0)
            return -1;
        if (*l->next == '\0')
            return 0;
        if (pause_after(l, &retry, e) < 0)
            return gcs_fail(l->b, l->prefix, e);
        advance(l);
    }
    err_set(e, ERR_TOO_LARGE, NULL, "the listing has more than %d pages", PAGES_MAX);
    return gcs_fail(l->b, l->prefix, e);
}

int gcs_list(const struct gcs_bucket *b, const char *prefix,
             int (*take)(void *context, struct gcs_object *o, struct err *e), void *context, struct err *e)
{
    struct paging l = {.b = b, .prefix = prefix, .token = xstrdup(""), .last = xstrdup("")};
    int result = list_pages(&l, take, context, e);
    page_fini(&l);
    free(l.token);
    free(l.last);
    return result;
}
