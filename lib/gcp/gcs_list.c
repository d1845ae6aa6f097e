#include "gcp/gcs_list.h"

#include "base/alloc.h"
#include "base/strbuf.h"
#include "data/js.h"
#include "gcp/gcs_int.h"
#include "gcp/gcs_page.h"
#include "net/url.h"

#include "base/banned.h"

enum { PAGE_BYTES_MAX = 16 * 1024 * 1024, PAGE_OBJECTS = 1000, PAGES_MAX = 10000, URL_MAX = 8192 };

/* A listing, and the page that was read last. */
struct paging {
    const struct gcs_bucket *b;
    const char *prefix;
    char *token; /* of the page that is asked for; "": the first one */
    char *last;  /* the name before this page, or its last once it is handed out; "": none */
    struct gcs_page page;
    int event;
};

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

static int read_page(void *context, const struct http_response *r, struct err *e)
{
    struct paging *l = context;
    json_t *tree CLEANUP(js_free) = gcs_parse(r, &l->event, e);
    const struct gcs_page_place place = {.prefix = l->prefix, .token = l->token, .last = l->last};
    gcs_page_fini(&l->page);
    return tree == NULL ? -1 : gcs_page_decode(tree, &place, &l->page, &l->event, e);
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
    if (l->page.count > 0) {
        free(l->last);
        l->last = xstrdup(l->page.objects[l->page.count - 1].name);
    }
    for (size_t i = 0; i < l->page.count; i++)
        if (take(context, &l->page.objects[i], e) < 0)
            return -1;
    return 0;
}

/* Goes on to the next page. */
static void advance(struct paging *l)
{
    free(l->token);
    l->token = TAKE_PTR(l->page.next);
    gcs_page_fini(&l->page);
}

/* A page without objects is legal; one after the other is no progress. */
static int pause_after(const struct paging *l, struct gcp_retry *retry, struct err *e)
{
    if (l->page.count > 0) {
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
        if (*l->page.next == '\0')
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
    gcs_page_fini(&l.page);
    free(l.token);
    free(l.last);
    return result;
}
