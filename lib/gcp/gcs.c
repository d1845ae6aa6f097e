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

void gcs_object_fini(struct gcs_object *o)
{
    free(o->bucket);
    free(o->name);
    free(o->sealed_name);
    *o = (struct gcs_object){.bucket = NULL};
}

int gcs_uri_parse(const char *uri, char **ret_bucket, char **ret_name, struct err *e)
{
    struct view name, v = view_from(uri);
    if (!view_has_prefix(v, "gs://"))
        return FAIL_OBJECT(e, ERR_INVALID, uri, "%s is no gs:// URI", uri);
    struct view bucket = view_cut(view_skip(v, 5), '/', &name);
    if (bucket.len == 0)
        return FAIL_OBJECT(e, ERR_INVALID, uri, "%s names no bucket", uri);
    *ret_bucket = view_dup(bucket);
    *ret_name = view_dup(name);
    return 0;
}

char *gcs_uri(const char *bucket, const char *name)
{
    return xasprintf("gs://%s/%s", bucket, name);
}

char *gcs_url(const struct gcp_site *site, const char *prefix, const char *bucket, const char *name)
{
    struct strbuf url = STRBUF(URL_MAX);
    strbuf_addf(&url, "%s%s/storage/v1/b/", site->storage_url, prefix);
    url_add_encoded(&url, view_from(bucket));
    strbuf_add_text(&url, "/o");
    if (name != NULL) {
        strbuf_add_char(&url, '/');
        url_add_encoded(&url, view_from(name));
    }
    return strbuf_take(&url);
}

int gcs_fail(struct err *e, const char *bucket, const char *name)
{
    char *uri CLEANUP(cleanup_free) = gcs_uri(bucket, name);
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

static char *encode_crc(uint32_t crc)
{
    uint8_t b[4] = {(uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8), (uint8_t)crc};
    return base64_encode(b, sizeof(b));
}

void gcs_object_decode(const json_t *resource, const char *bucket, struct gcs_object *ret)
{
    const char *sealed_name = js_text(resource, "metadata." GCS_NAME_HINT);
    int64_t size = js_int(resource, "size", 0);
    *ret = (struct gcs_object){
        .bucket = xstrdup(bucket),
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

char *gcs_resource_text(const char *name, const uint32_t *crc, const struct gcs_pair *pairs,
                        size_t pair_count)
{
    json_t *resource CLEANUP(js_free) =
        json_pack("{s:s,s:s}", "name", name, "contentType", "application/octet-stream");
    if (crc != NULL) {
        char *text CLEANUP(cleanup_free) = encode_crc(*crc);
        json_object_set_new(resource, "crc32c", json_string(text));
    }
    json_t *metadata = json_object();
    for (size_t i = 0; i < pair_count; i++)
        json_object_set_new(metadata, pairs[i].key, json_string(pairs[i].value));
    json_object_set_new(resource, "metadata", metadata);
    return js_dump(resource);
}

/* GET of JSON; the caller owns the tree. */
static json_t *get_json(const struct gcp_site *site, struct http_session *s, const char *url, size_t max,
                        struct err *e)
{
    struct http_request q = {.method = "GET", .url = url, .max_body_bytes = max};
    struct http_response r;
    json_t *reply = NULL;
    http_response_init(&r);
    if (gcp_call(site, s, &q, &r, e) == 0)
        reply = js_parse(strbuf_view(&r.body), url, e);
    http_response_fini(&r);
    return reply;
}

static char *page_url(const struct gcp_site *site, const char *bucket, const char *prefix, const char *token)
{
    char *base CLEANUP(cleanup_free) = gcs_url(site, "", bucket, NULL);
    struct strbuf url = STRBUF(URL_MAX);
    strbuf_addf(&url, "%s?maxResults=%d&prefix=", base, LIST_PAGE_OBJECTS);
    url_add_encoded(&url, view_from(prefix));
    if (*token != '\0') {
        strbuf_add_text(&url, "&pageToken=");
        url_add_encoded(&url, view_from(token));
    }
    return strbuf_take(&url);
}

/* The answer's names are only believed as far as they are what was asked for: whoever lies here would have
 * another object taken for this one. */
static int take_page(const json_t *page, const char *bucket, const char *prefix,
                     int (*fn)(void *context, struct gcs_object *o, struct err *e), void *context,
                     struct err *e)
{
    const json_t *item;
    size_t i;
    json_array_foreach(js_at(page, "items"), i, item)
    {
        struct gcs_object o;
        gcs_object_decode(item, bucket, &o);
        int result = view_has_prefix(view_from(o.name), prefix)
                         ? fn(context, &o, e)
                         : FAIL(e, ERR_PROTOCOL, "gs://%s/%s: the listing names %s, which is not there",
                                bucket, prefix, o.name);
        gcs_object_fini(&o);
        if (result < 0)
            return -1;
    }
    return 0;
}

int gcs_list(const struct gcp_site *site, struct http_session *s, const char *bucket, const char *prefix,
             int (*fn)(void *context, struct gcs_object *o, struct err *e), void *context, struct err *e)
{
    char *token CLEANUP(cleanup_free) = xstrdup("");
    for (int pages = 0; pages < LIST_PAGES_MAX; pages++) {
        char *url CLEANUP(cleanup_free) = page_url(site, bucket, prefix, token);
        json_t *page CLEANUP(js_free) = get_json(site, s, url, LIST_PAGE_MAX, e);
        if (page == NULL)
            return gcs_fail(e, bucket, prefix);
        if (take_page(page, bucket, prefix, fn, context, e) < 0)
            return -1;
        const char *next = js_text(page, "nextPageToken");
        if (*next == '\0')
            return 0;
        if (strcmp(next, token) == 0)
            break;
        free(token);
        token = xstrdup(next);
    }
    return FAIL(e, ERR_PROTOCOL, "gs://%s/%s: the listing does not end", bucket, prefix);
}

int gcs_stat(const struct gcp_site *site, struct http_session *s, const char *bucket, const char *name,
             struct gcs_object *ret, struct err *e)
{
    char *url CLEANUP(cleanup_free) = gcs_url(site, "", bucket, name);
    json_t *resource CLEANUP(js_free) = get_json(site, s, url, RESOURCE_MAX, e);
    if (resource == NULL)
        return gcs_fail(e, bucket, name);
    gcs_object_decode(resource, bucket, ret);
    if (strcmp(ret->name, name) == 0)
        return 0;
    err_set(e, ERR_PROTOCOL, NULL, "the answer is about another object, %s", ret->name);
    gcs_object_fini(ret);
    return gcs_fail(e, bucket, name);
}

int gcs_resolve_write(const struct gcp_site *site, struct http_session *s, const char *bucket,
                      const char *name, uint64_t size, uint32_t crc, uint64_t *ret_generation, struct err *e)
{
    struct gcs_object there;
    if (gcs_stat(site, s, bucket, name, &there, e) < 0)
        return -1;
    bool is_ours = there.size == size && there.crc32c == crc;
    if (is_ours && ret_generation != NULL)
        *ret_generation = there.generation;
    gcs_object_fini(&there);
    return is_ours ? 0 : FAIL(e, ERR_CONFLICT, "another version of the object is there");
}
