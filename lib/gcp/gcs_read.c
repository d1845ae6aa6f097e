#include "gcp/gcs_read.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "gcp/byte_range.h"
#include "gcp/gcs_int.h"

#include "base/banned.h"

enum { SMALL_MAX = 1024 * 1024 };

/* Bytes are wanted as they are stored. */
static const struct http_header AS_STORED = {"Accept-Encoding", "identity"};

/* ---- what heads of replies say ---- */
static bool is_identity(struct view encoding)
{
    return encoding.len == 0 || (encoding.len == 8 && strncasecmp(encoding.ptr, "identity", 8) == 0);
}

/* Decompressed on the way, or still compressed: neither can be what was encrypted. */
static int check_encoding(const struct http_response *r, int *event, struct err *e)
{
    struct view stored = http_response_header(r, "x-goog-stored-content-encoding");
    struct view encoding = http_response_header(r, "Content-Encoding");
    if (!is_identity(stored))
        return REPLY_FAIL(event, STORED_ENCODED, e, "the object was stored with Content-Encoding %.*s",
                          VIEW_ARG(stored));
    if (!is_identity(encoding))
        return REPLY_FAIL(event, ENCODED, e, "the reply has Content-Encoding %.*s, which was not asked for",
                          VIEW_ARG(encoding));
    return 0;
}

/* False when the reply does not say it. */
static bool find_generation(const struct http_response *r, uint64_t *ret)
{
    return view_to_u64(http_response_header(r, "x-goog-generation"), ret) && *ret > 0;
}

/* ---- large objects ---- */

/* One object's download over any number of connections. */
struct download {
    const struct gcs_bucket *b;
    const struct gcs_object *object;
    struct byte_sink sink;
    uint64_t offset; /* bytes that the sink has taken */
    uint64_t skip;   /* bytes of this reply that it has already */
    bool is_sink_error;
    int event;
};

/* A part must begin where the sink is. */
static int check_part(struct download *d, const struct http_response *r, struct err *e)
{
    struct view text = http_response_header(r, "Content-Range");
    uint64_t first = 0, total = d->object->size;
    if (!byte_range_read_part(text, &first, &total))
        return REPLY_FAIL(&d->event, ELSEWHERE, e, "the reply does not say which part of the object it is");
    if (first != d->offset || total != d->object->size)
        return REPLY_FAIL(&d->event, ELSEWHERE, e, "the reply is another part of the object: %.*s",
                          VIEW_ARG(text));
    return 0;
}

static int on_head(void *context, const struct http_response *r, struct err *e)
{
    struct download *d = context;
    uint64_t generation;
    if (reply_rule(REPLY_READ, r->status).action != REPLY_ACCEPT) {
        d->event = r->status;
        return FAIL(e, ERR_PROTOCOL, "the server answered %d to a download", r->status);
    }
    if (check_encoding(r, &d->event, e) < 0)
        return -1;
    if (!find_generation(r, &generation))
        return REPLY_FAIL(&d->event, INCOMPLETE, e, "the reply does not say which generation it is");
    if (generation != d->object->generation)
        return REPLY_FAIL(&d->event, OTHER_GENERATION, e, "the reply is of generation %llu",
                          (unsigned long long)generation);
    if (r->status == 206)
        return check_part(d, r, e);
    d->skip = d->offset; /* a server may ignore the range: then all of it comes again */
    return 0;
}

static int on_body(void *context, const void *bytes, size_t length, struct err *e)
{
    struct download *d = context;
    size_t skipped = length < d->skip ? length : (size_t)d->skip;
    struct view rest = view_skip(view_of(bytes, length), skipped);
    d->skip -= skipped;
    if (rest.len > d->object->size - d->offset)
        return REPLY_FAIL(&d->event, LONG, e, "received more bytes than the object has");
    if (rest.len > 0 && d->sink.take(d->sink.context, rest.ptr, rest.len, e) < 0) {
        d->is_sink_error = true;
        d->event = REPLY_OURS;
        return -1;
    }
    d->offset += rest.len;
    return 0;
}

/* After a complete reply. */
static int check_length(void *context, const struct http_response *r, struct err *e)
{
    struct download *d = context;
    (void)r;
    if (d->offset == d->object->size)
        return 0;
    return REPLY_FAIL(&d->event, SHORT, e, "the reply has fewer bytes than the object");
}

static enum reply_action read_rest(struct download *d, struct http_response *r, struct err *e)
{
    const struct gcp_client *client = &d->b->client;
    char *base CLEANUP(cleanup_free) = gcs_url(d->b, "/download", d->object->name);
    char *url CLEANUP(cleanup_free) =
        xasprintf("%s?alt=media&generation=%llu", base, (unsigned long long)d->object->generation);
    char *range CLEANUP(cleanup_free) = xasprintf("bytes=%llu-", (unsigned long long)d->offset);
    struct http_header headers[] = {AS_STORED, {"Range", range}};
    struct gcp_request q = {.kind = REPLY_READ,
                            .http = {.method = "GET",
                                     .url = url,
                                     .headers = headers,
                                     .header_count = d->offset > 0 ? 2 : 1,
                                     .idle_timeout_ms = client->config->retry.try_ms,
                                     .on_head = on_head,
                                     .on_body = on_body,
                                     .context = d},
                            .read = check_length,
                            .context = d,
                            .event = &d->event};
    d->skip = 0;
    return gcp_try(client, &q, r, e);
}

static int read_all(struct download *d, struct http_response *r, struct err *e)
{
    struct gcp_retry retry;
    gcp_client_retry_init(&d->b->client, &retry);
    while (d->offset < d->object->size) {
        uint64_t before = d->offset;
        enum reply_action action = read_rest(d, r, e);
        if (d->offset - before >= HTTP_PROGRESS_BYTES)
            gcp_retry_renew(&retry);
        if (action != REPLY_ACCEPT && (action != REPLY_AGAIN || gcp_retry_wait(&retry, r, e) < 0))
            return -1;
    }
    return 0;
}

int gcs_read(const struct gcs_bucket *b, const struct gcs_object *o, struct byte_sink sink, struct err *e)
{
    struct download d = {.b = b, .object = o, .sink = sink};
    struct http_response r;
    if (o->is_encoded) {
        err_set(e, ERR_DATA_ENCODED, NULL, "the object was stored with a Content-Encoding");
        return gcs_fail(b, o->name, e);
    }
    http_response_init(&r);
    int result = read_all(&d, &r, e);
    http_response_fini(&r);
    return result < 0 && !d.is_sink_error ? gcs_fail(b, o->name, e) : result;
}

/* ---- small objects ---- */
struct small {
    struct strbuf *text;
    uint64_t generation;
    int event;
};

/* "x-goog-hash: crc32c=...,md5=..."; one header or several. True unless it has another checksum than the
 * bytes. */
static bool is_intact(const struct http_response *r)
{
    static const char NAME[] = "x-goog-hash:", SUM[] = "crc32c=";
    struct view rest = strbuf_view(&r->headers);
    while (rest.len > 0) {
        struct view line = view_cut(rest, '\n', &rest);
        if (line.len < strlen(NAME) || strncasecmp(line.ptr, NAME, strlen(NAME)) != 0)
            continue;
        for (struct view sums = view_skip(line, strlen(NAME)); sums.len > 0;) {
            struct view one = view_trim(view_cut(sums, ',', &sums));
            uint32_t crc;
            if (view_has_prefix(one, SUM) && gcs_crc_decode(view_skip(one, strlen(SUM)), &crc))
                return crc == crc32c(0, r->body.data, r->body.len);
        }
    }
    return true;
}

static int read_small(void *context, const struct http_response *r, struct err *e)
{
    struct small *s = context;
    if (check_encoding(r, &s->event, e) < 0)
        return -1;
    if (!find_generation(r, &s->generation))
        return REPLY_FAIL(&s->event, INCOMPLETE, e, "the reply does not say which generation it is");
    if (!is_intact(r))
        return REPLY_FAIL(&s->event, DAMAGED, e, "the reply was corrupted in transit");
    strbuf_add_view(s->text, strbuf_view(&r->body));
    return 0;
}

int gcs_read_small(const struct gcs_bucket *b, const char *name, struct strbuf *ret, uint64_t *ret_generation,
                   struct err *e)
{
    char *base CLEANUP(cleanup_free) = gcs_url(b, "/download", name);
    char *url CLEANUP(cleanup_free) = xasprintf("%s?alt=media", base);
    struct small s = {.text = ret};
    struct gcp_request q = {.kind = REPLY_SMALL,
                            .http = {.method = "GET",
                                     .url = url,
                                     .headers = &AS_STORED,
                                     .header_count = 1,
                                     .max_body_bytes = SMALL_MAX},
                            .read = read_small,
                            .context = &s,
                            .event = &s.event};
    struct http_response r;
    http_response_init(&r);
    int result = gcp_call(&b->client, &q, &r, e);
    http_response_fini(&r);
    if (result < 0)
        return gcs_fail(b, name, e);
    *ret_generation = s.generation;
    return 0;
}
