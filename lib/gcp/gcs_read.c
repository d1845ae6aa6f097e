#include <string.h>

#include "base/alloc.h"
#include "gcp/gcs_int.h"

#include "base/banned.h"

enum { SMALL_MAX = 1024 * 1024 };

struct reading {
    uint64_t offset; /* bytes that the sink has taken */
    uint64_t size;
    bool is_partial; /* a range was asked for */
    bool is_sink_error;
    int (*sink)(void *context, const void *bytes, size_t length, struct err *e);
    void *context;
};

/* A server that ignores the range would start from the beginning again. */
static int on_head(void *context, const struct http_response *r, struct err *e)
{
    const struct reading *reading = context;
    return reading->is_partial && r->status != 206 ? FAIL(e, ERR_PROTOCOL, "the server ignored the range")
                                                   : 0;
}

static int on_body(void *context, const void *bytes, size_t length, struct err *e)
{
    struct reading *r = context;
    if (length > r->size - r->offset)
        return FAIL(e, ERR_DATA_CHANGED, "more bytes came than the object had");
    if (r->sink(r->context, bytes, length, e) < 0) {
        r->is_sink_error = true;
        return -1;
    }
    r->offset += length;
    return 0;
}

static int read_rest(const struct gcp_site *site, struct http_session *s, const struct gcs_object *o,
                     struct reading *reading, struct http_response *r, struct err *e)
{
    char *base CLEANUP(cleanup_free) = gcs_url(site, "/download", o->bucket, o->name);
    char *url CLEANUP(cleanup_free) =
        xasprintf("%s?alt=media&generation=%llu", base, (unsigned long long)o->generation);
    char *range CLEANUP(cleanup_free) = xasprintf("bytes=%llu-", (unsigned long long)reading->offset);
    struct http_header headers[] = {{"Accept-Encoding", "identity"}, {"Range", range}};
    reading->is_partial = reading->offset > 0;
    struct http_request q = {.method = "GET",
                             .url = url,
                             .headers = headers,
                             .header_count = reading->is_partial ? 2 : 1,
                             .on_head = on_head,
                             .on_body = on_body,
                             .context = reading};
    if (gcp_try(site, s, &q, r, e) < 0) {
        /* The generation that was listed is gone: somebody has replaced or deleted it. */
        if (e->code == ERR_NOT_FOUND)
            err_recode(e, ERR_DATA_CHANGED);
        return -1;
    }
    return 0;
}

int gcs_read(const struct gcp_site *site, struct http_session *s, const struct gcs_object *o,
             int (*sink)(void *context, const void *bytes, size_t length, struct err *e), void *context,
             struct err *e)
{
    struct reading reading = {.size = o->size, .sink = sink, .context = context};
    struct gcp_patience patience;
    struct http_response r;
    int result = 0;
    if (o->is_encoded) {
        err_set(e, ERR_DATA_CHANGED, NULL, "the object has a contentEncoding; store it as it is");
        return gcs_fail(e, o->bucket, o->name);
    }
    http_response_init(&r);
    gcp_patience_init(&patience, site);
    while (result == 0 && reading.offset < o->size) {
        uint64_t before = reading.offset;
        result = read_rest(site, s, o, &reading, &r, e);
        if (reading.offset - before >= HTTP_PROGRESS_BYTES)
            gcp_patience_renew(&patience, site);
        if (result == 0 && reading.offset < o->size)
            result = FAIL(e, ERR_UNAVAILABLE, "the answer ended early");
        if (result < 0 && !reading.is_sink_error)
            result = gcp_patience_wait(&patience, site, &r, e);
    }
    http_response_fini(&r);
    if (result < 0 && !reading.is_sink_error)
        return gcs_fail(e, o->bucket, o->name);
    return result;
}

int gcs_read_small(const struct gcp_site *site, struct http_session *s, const char *bucket, const char *name,
                   struct strbuf *ret, uint64_t *ret_generation, struct err *e)
{
    char *base CLEANUP(cleanup_free) = gcs_url(site, "/download", bucket, name);
    char *url CLEANUP(cleanup_free) = xasprintf("%s?alt=media", base);
    struct http_request q = {.method = "GET", .url = url, .max_body_bytes = SMALL_MAX};
    struct http_response r;
    http_response_init(&r);
    int result = gcp_call(site, s, &q, &r, e);
    if (result == 0) {
        uint64_t generation = 0;
        (void)view_to_u64(http_response_header(&r, "x-goog-generation"), &generation);
        if (ret_generation != NULL)
            *ret_generation = generation;
        strbuf_add_view(ret, strbuf_view(&r.body));
    } else {
        (void)gcs_fail(e, bucket, name);
    }
    http_response_fini(&r);
    return result;
}
