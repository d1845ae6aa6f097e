#include "gcp/gcs_read.h"

#include <string.h>

#include "base/alloc.h"
#include "gcp/gcs_int.h"

#include "base/banned.h"

enum { SMALL_MAX = 1024 * 1024 };

/* One object's download over any number of connections. */
struct download {
    const struct gcs_bucket *b;
    const struct gcs_object *object;
    struct byte_sink sink;
    uint64_t offset; /* bytes that the sink has taken */
    bool is_sink_error;
    struct http_response r;
};

/* A server that ignores the range would start from the beginning again. */
static int on_head(void *context, const struct http_response *r, struct err *e)
{
    const struct download *d = context;
    return d->offset > 0 && r->status != 206 ? FAIL(e, ERR_PROTOCOL, "the server ignored the range") : 0;
}

static int on_body(void *context, const void *bytes, size_t length, struct err *e)
{
    struct download *d = context;
    if (length > d->object->size - d->offset)
        return FAIL(e, ERR_DATA_CHANGED, "received more bytes than the object had");
    if (d->sink.take(d->sink.context, bytes, length, e) < 0) {
        d->is_sink_error = true;
        return -1;
    }
    d->offset += length;
    return 0;
}

static int read_rest(struct download *d, struct err *e)
{
    char *base CLEANUP(cleanup_free) = gcs_url(d->b, "/download", d->object->name);
    char *url CLEANUP(cleanup_free) =
        xasprintf("%s?alt=media&generation=%llu", base, (unsigned long long)d->object->generation);
    char *range CLEANUP(cleanup_free) = xasprintf("bytes=%llu-", (unsigned long long)d->offset);
    struct http_header headers[] = {{"Accept-Encoding", "identity"}, {"Range", range}};
    struct http_request q = {.method = "GET",
                             .url = url,
                             .headers = headers,
                             .header_count = d->offset > 0 ? 2 : 1,
                             .on_head = on_head,
                             .on_body = on_body,
                             .context = d};
    if (gcp_try(&d->b->client, &q, &d->r, e) == 0)
        return d->offset < d->object->size ? FAIL(e, ERR_UNAVAILABLE, "the reply ended early") : 0;
    if (e->code == ERR_NOT_FOUND)
        err_recode(e, ERR_DATA_CHANGED); /* this generation was replaced or deleted */
    return -1;
}

static int read_all(struct download *d, struct err *e)
{
    struct gcp_retry retry;
    gcp_retry_init(&retry, d->b->client.config);
    while (d->offset < d->object->size) {
        uint64_t before = d->offset;
        int result = read_rest(d, e);
        if (d->offset - before >= HTTP_PROGRESS_BYTES)
            gcp_retry_renew(&retry);
        if (result < 0 && (d->is_sink_error || gcp_retry_wait(&retry, &d->r, e) < 0))
            return -1;
    }
    return 0;
}

int gcs_read(const struct gcs_bucket *b, const struct gcs_object *o, struct byte_sink sink, struct err *e)
{
    struct download d = {.b = b, .object = o, .sink = sink};
    if (o->is_encoded) {
        err_set(e, ERR_DATA_CHANGED, NULL, "the object has a contentEncoding; store it without");
        return gcs_fail(b, o->name, e);
    }
    http_response_init(&d.r);
    int result = read_all(&d, e);
    http_response_fini(&d.r);
    return result < 0 && !d.is_sink_error ? gcs_fail(b, o->name, e) : result;
}

int gcs_read_small(const struct gcs_bucket *b, const char *name, struct strbuf *ret, uint64_t *ret_generation,
                   struct err *e)
{
    char *base CLEANUP(cleanup_free) = gcs_url(b, "/download", name);
    char *url CLEANUP(cleanup_free) = xasprintf("%s?alt=media", base);
    struct http_request q = {.method = "GET", .url = url, .max_body_bytes = SMALL_MAX};
    struct http_response r;
    http_response_init(&r);
    int result = gcp_call(&b->client, &q, &r, e);
    if (result == 0) {
        *ret_generation = 0;
        (void)view_to_u64(http_response_header(&r, "x-goog-generation"), ret_generation);
        strbuf_add_view(ret, strbuf_view(&r.body));
    } else {
        (void)gcs_fail(b, name, e);
    }
    http_response_fini(&r);
    return result;
}
