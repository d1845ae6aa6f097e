#include "gcp/gcs.h"

#include <string.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "data/js.h"
#include "gcp/gcs_int.h"
#include "net/url.h"

#include "base/banned.h"

enum {
    LIST_PAGE_MAX = 16 * 1024 * 1024,
    LIST_PAGE_OBJECTS = 1000,
    LIST_PAGES_MAX = 10000,
    RESOURCE_MAX = 64 * 1024,
    URL_MAX = 8192
};

void gcs_bucket_open(struct gcs_bucket *ret, const struct gcp_config *config, const char *name)
{
    gcp_client_open(&ret->client, config);
    ret->name = xstrdup(name);
}

void gcs_bucket_close(struct gcs_bucket *b)
{
    gcp_client_close(&b->client);
    free(b->name);
    b->name = NULL;
}

void gcs_object_fini(struct gcs_object *o)
{
    free(o->name);
    free(o->sealed_name);
    *o = (struct gcs_object){.name = NULL};
}

int gcs_uri_parse(const char *uri, char **ret_bucket, char **ret_name, struct err *e)
{
    struct view name, v = view_from(uri);
    if (!view_has_prefix(v, "gs://"))
        return FAIL_OBJECT(e, ERR_INVALID, uri, "%s is not a gs:// URI", uri);
    struct view bucket = view_cut(view_skip(v, 5), '/', &name);
    if (bucket.len == 0)
        return FAIL_OBJECT(e, ERR_INVALID, uri, "%s has no bucket name", uri);
    *ret_bucket = view_dup(bucket);
    *ret_name = view_dup(name);
    return 0;
}

char *gcs_uri(const char *bucket, const char *name)
{
    return xasprintf("gs://%s/%s", bucket, name);
}

char *gcs_url(const struct gcs_bucket *b, const char *prefix, const char *name)
{
    struct strbuf url = STRBUF(URL_MAX);
    strbuf_addf(&url, "%s%s/storage/v1/b/", b->client.config->storage_url, prefix);
    url_add_encoded(&url, view_from(b->name));
    strbuf_add_text(&url, "/o");
    if (name != NULL) {
        strbuf_add_char(&url, '/');
        url_add_encoded(&url, view_from(name));
    }
    return strbuf_take(&url);
}

int gcs_fail(const struct gcs_bucket *b, const char *name, struct err *e)
{
    char *uri CLEANUP(cleanup_free) = gcs_uri(b->name, name);
    err_name_object(e, uri);
    return err_wrap(e, "%s", uri);
}

/* Base64 of the checksum's four bytes, most significant first. */
static uint32_t decode_crc(const char *text)
{
    uint8_t b[4];
    size_t length;
    if (base64_decode(view_from(text), b, sizeof(b), &length) < 0 || length != sizeof(b))
        return 0;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

void gcs_object_decode(const json_t *resource, struct gcs_object *ret)
{
    const char *sealed_name = js_text(resource, "metadata." GCS_NAME_HINT);
    int64_t size = js_int(resource, "size", 0);
    *ret = (struct gcs_object){
        .name = xstrdup(js_text(resource, "name")),
        .size = size < 0 ? 0 : (uint64_t)size,
        .generation = (uint64_t)js_int(resource, "generation", 0),
        .crc32c = decode_crc(js_text(resource, "crc32c")),
        .is_encoded = *js_text(resource, "contentEncoding") != '\0',
        .key_id = (uint32_t)js_int(resource, "metadata." GCS_KEY_ID_HINT, 0),
        .sealed_size = (uint64_t)js_int(resource, "metadata." GCS_SIZE_HINT, 0),
        .sealed_name = *sealed_name != '\0' ? xstrdup(sealed_name) : NULL,
    };
}

/* GET of JSON; the caller owns the tree. */
static json_t *get_json(const struct gcs_bucket *b, const char *url, size_t max, struct err *e)
{
    struct http_request q = {.method = "GET", .url = url, .max_body_bytes = max};
    struct http_response r;
    json_t *reply = NULL;
    http_response_init(&r);
    if (gcp_call(&b->client, &q, &r, e) == 0)
        reply = js_parse(strbuf_view(&r.body), url, e);
    http_response_fini(&r);
    return reply;
}

struct list_query {
    const struct gcs_bucket *b;
    const char *prefix;
    int (*take)(void *context, struct gcs_object *o, struct err *e);
    void *context;
};

static char *page_url(const struct list_query *q, const char *token)
{
    char *base CLEANUP(cleanup_free) = gcs_url(q->b, "", NULL);
    struct strbuf url = STRBUF(URL_MAX);
    strbuf_addf(&url, "%s?maxResults=%d&prefix=", base, LIST_PAGE_OBJECTS);
    url_add_encoded(&url, view_from(q->prefix));
    if (*token != '\0') {
        strbuf_add_text(&url, "&pageToken=");
        url_add_encoded(&url, view_from(token));
    }
    return strbuf_take(&url);
}

/* A name outside the prefix is refused: a server that lies here could have another object taken for one of
 * these. */
static int take_page(const struct list_query *q, const json_t *page, struct err *e)
{
    const json_t *item;
    size_t i;
    json_array_foreach(js_at(page, "items"), i, item)
    {
        struct gcs_object o;
        gcs_object_decode(item, &o);
        int result =
            view_has_prefix(view_from(o.name), q->prefix)
                ? q->take(q->context, &o, e)
                : FAIL(e, ERR_PROTOCOL, "gs://%s/%s: the listing contains %s, which is outside this prefix",
                       q->b->name, q->prefix, o.name);
        gcs_object_fini(&o);
        if (result < 0)
            return -1;
    }
    return 0;
}

int gcs_list(const struct gcs_bucket *b, const char *prefix,
             int (*take)(void *context, struct gcs_object *o, struct err *e), void *context, struct err *e)
{
    struct list_query q = {.b = b, .prefix = prefix, .take = take, .context = context};
    char *token CLEANUP(cleanup_free) = xstrdup("");
    for (int pages = 0; pages < LIST_PAGES_MAX; pages++) {
        char *url CLEANUP(cleanup_free) = page_url(&q, token);
        json_t *page CLEANUP(js_free) = get_json(b, url, LIST_PAGE_MAX, e);
        if (page == NULL)
            return gcs_fail(b, prefix, e);
        if (take_page(&q, page, e) < 0)
            return -1;
        const char *next = js_text(page, "nextPageToken");
        if (*next == '\0')
            return 0;
        if (strcmp(next, token) == 0)
            break;
        free(token);
        token = xstrdup(next);
    }
    return FAIL(e, ERR_PROTOCOL, "gs://%s/%s: the listing does not end", b->name, prefix);
}

int gcs_stat(const struct gcs_bucket *b, const char *name, struct gcs_object *ret, struct err *e)
{
    char *url CLEANUP(cleanup_free) = gcs_url(b, "", name);
    json_t *resource CLEANUP(js_free) = get_json(b, url, RESOURCE_MAX, e);
    struct gcs_object found;
    if (resource == NULL)
        return gcs_fail(b, name, e);
    gcs_object_decode(resource, &found);
    if (strcmp(found.name, name) == 0) {
        *ret = found;
        return 0;
    }
    err_set(e, ERR_PROTOCOL, NULL, "the reply describes another object, %s", found.name);
    gcs_object_fini(&found);
    return gcs_fail(b, name, e);
}
