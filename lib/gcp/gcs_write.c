#include <string.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "crypt/digest.h"
#include "base/codec.h"
#include "data/js.h"
#include "gcp/gcs_int.h"
#include "net/url.h"

#include "base/banned.h"

enum { RESOURCE_MAX = 64 * 1024, MULTIPART_EXTRA = 128 * 1024 };

static char *write_url(const struct gcp_site *site, const char *bucket, const char *name, const char *type,
                       uint64_t if_generation)
{
    char *base CLEANUP(cleanup_free) = gcs_url(site, "/upload", bucket, NULL);
    char *encoded CLEANUP(cleanup_free) = url_encode(name);
    if (if_generation == GCS_ANY_GENERATION)
        return xasprintf("%s?uploadType=%s&name=%s", base, type, encoded);
    return xasprintf("%s?uploadType=%s&name=%s&ifGenerationMatch=%llu", base, type, encoded,
                     (unsigned long long)if_generation);
}

/* Compares what the server says it stored with what we sent. */
static int check_stored(const struct http_response *r, const char *bucket, uint32_t crc,
                        uint64_t *ret_generation, struct err *e)
{
    json_t *resource CLEANUP(js_free) = js_parse(strbuf_view(&r->body), "the answer to an upload", e);
    struct gcs_object stored;
    if (resource == NULL)
        return -1;
    gcs_object_decode(resource, bucket, &stored);
    bool is_equal = stored.crc32c == crc;
    if (ret_generation != NULL)
        *ret_generation = stored.generation;
    gcs_object_fini(&stored);
    return is_equal ? 0 : FAIL(e, ERR_PROTOCOL, "the object was damaged on its way to the bucket");
}

/* ---- small objects: multipart/related (RFC 2387) ---- */
static void fill_multipart(struct strbuf *body, const char *boundary, const char *resource, struct view bytes)
{
    strbuf_addf(body, "--%s\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n%s\r\n", boundary,
                resource);
    strbuf_addf(body, "--%s\r\nContent-Type: application/octet-stream\r\n\r\n", boundary);
    strbuf_add_view(body, bytes);
    strbuf_addf(body, "\r\n--%s--\r\n", boundary);
}

int gcs_write_small(const struct gcp_site *site, struct http_session *s, const char *bucket, const char *name,
                    struct view bytes, const struct gcs_pair *pairs, size_t pair_count,
                    uint64_t if_generation, uint64_t *ret_generation, struct err *e)
{
    uint8_t random[16];
    random_bytes(random, sizeof(random));
    uint32_t crc = crc32c(0, bytes.ptr, bytes.len);
    char *boundary CLEANUP(cleanup_free) = hex_encode(random, sizeof(random));
    char *type CLEANUP(cleanup_free) = xasprintf("multipart/related; boundary=%s", boundary);
    char *url CLEANUP(cleanup_free) = write_url(site, bucket, name, "multipart", if_generation);
    char *resource CLEANUP(cleanup_free) = gcs_resource_text(name, &crc, pairs, pair_count);
    struct strbuf body = STRBUF(bytes.len + MULTIPART_EXTRA);
    struct http_header header = {"Content-Type", type};
    struct http_response r;
    http_response_init(&r);
    fill_multipart(&body, boundary, resource, bytes);
    struct http_request q = {.method = "POST",
                             .url = url,
                             .headers = &header,
                             .header_count = 1,
                             .body = strbuf_view(&body),
                             .max_body_bytes = RESOURCE_MAX};
    int result = gcp_call(site, s, &q, &r, e);
    if (result == 0)
        result = check_stored(&r, bucket, crc, ret_generation, e);
    else if (e->code == ERR_CONFLICT) {
        /* Perhaps our own first try, whose answer was lost. */
        err_fini(e);
        result = gcs_resolve_write(site, s, bucket, name, bytes.len, crc, ret_generation, e);
    }
    http_response_fini(&r);
    strbuf_fini(&body);
    return result == 0 ? 0 : gcs_fail(e, bucket, name);
}

/* ---- large objects: a resumable session ---- */
enum { CHUNK = 4 * 1024 * 1024 }; /* a multiple of 256 KiB, as the API wants */

struct upload {
    const struct gcp_site *site;
    struct http_session *s;
    const char *bucket, *name;
    uint64_t size;
    char *session;     /* URL */
    bool is_elsewhere; /* the session is at another host, which gets no token */
    uint8_t *chunk;    /* the bytes from chunk_start on, kept until the server has them */
    uint64_t start;    /* offset of chunk */
    size_t held;       /* bytes in it */
    uint64_t there;    /* offset up to which the server has everything */
    uint32_t crc;      /* over everything produced */
    bool is_finished;  /* the server has made the object */
    uint64_t if_generation;
    struct http_response r;
};

/* A session's URL is all that its use takes. Storage chooses the host, so ours are not the only ones; but
 * nothing goes to it that is worth more than the ciphertext, and nothing in the clear. */
static int judge_session(struct upload *u, struct err *e)
{
    struct url ours, theirs;
    if (url_parse(u->site->storage_url, &ours, e) < 0 || url_parse(u->session, &theirs, e) < 0)
        return -1;
    bool is_same_scheme = view_equal(ours.scheme, theirs.scheme);
    if (!is_same_scheme && view_equal_text(ours.scheme, "https"))
        return FAIL(e, ERR_PROTOCOL, "the server opened an upload session that is not encrypted");
    u->is_elsewhere = !is_same_scheme || !view_equal(ours.host, theirs.host) || ours.port != theirs.port;
    return 0;
}

static int open_session(struct upload *u, const struct gcs_pair *pairs, size_t pair_count, struct err *e)
{
    char *url CLEANUP(cleanup_free) = write_url(u->site, u->bucket, u->name, "resumable", u->if_generation);
    char *resource CLEANUP(cleanup_free) = gcs_resource_text(u->name, NULL, pairs, pair_count);
    char *length CLEANUP(cleanup_free) = xasprintf("%llu", (unsigned long long)u->size);
    struct http_header headers[] = {{"Content-Type", "application/json; charset=UTF-8"},
                                    {"X-Upload-Content-Type", "application/octet-stream"},
                                    {"X-Upload-Content-Length", length}};
    struct http_request q = {
        .method = "POST", .url = url, .headers = headers, .header_count = 3, .body = view_from(resource)};
    if (gcp_call(u->site, u->s, &q, &u->r, e) < 0)
        return -1;
    struct view location = http_response_header(&u->r, "Location");
    if (location.len == 0)
        return FAIL(e, ERR_PROTOCOL, "the server opened no upload session");
    u->session = view_dup(location);
    return judge_session(u, e);
}

/* "Range: bytes=0-N" of a 308: N may be less than what was sent; no header means nothing is there. */
static int take_progress(struct upload *u, struct err *e)
{
    struct view range = http_response_header(&u->r, "Range"), last;
    uint64_t end = 0;
    if (u->r.status == 200 || u->r.status == 201) {
        u->is_finished = true;
        u->there = u->size;
        return 0;
    }
    if (u->r.status != 308)
        return FAIL(e, ERR_PROTOCOL, "the upload session answered %d", u->r.status);
    if (range.len > 0) {
        (void)view_cut(range, '-', &last);
        if (!view_to_u64(last, &end))
            return FAIL(e, ERR_PROTOCOL, "the upload session answered a range that cannot be read");
        end++;
    }
    if (end < u->start || end > u->start + u->held)
        return FAIL(e, ERR_PROTOCOL, "the upload session has %llu bytes, which were never sent so",
                    (unsigned long long)end);
    u->there = end;
    return 0;
}

/* Without bytes it asks how far the upload is. The URL is a right: errors have it without query. */
static int put_range(struct upload *u, struct view bytes, const char *range, struct err *e)
{
    struct http_header header = {"Content-Range", range};
    char *label CLEANUP(cleanup_free) = view_dup(view_of(u->session, strcspn(u->session, "?")));
    struct http_request q = {.method = "PUT",
                             .url = u->session,
                             .label = label,
                             .headers = &header,
                             .header_count = 1,
                             .body = bytes,
                             .max_body_bytes = RESOURCE_MAX,
                             .total_timeout_ms = bytes.len == 0 ? GCP_CONTROL_TOTAL_MS : 0};
    int result = u->is_elsewhere ? gcp_try_without_token(u->site, u->s, &q, &u->r, e)
                                 : gcp_try(u->site, u->s, &q, &u->r, e);
    if (result < 0 && e->code == ERR_NOT_FOUND)
        err_recode(e, ERR_GONE);
    return result < 0 ? -1 : take_progress(u, e);
}

static int send_held(struct upload *u, struct err *e)
{
    size_t skip = (size_t)(u->there - u->start), length = u->held - skip;
    char *range CLEANUP(cleanup_free) =
        xasprintf("bytes %llu-%llu/%llu", (unsigned long long)u->there,
                  (unsigned long long)(u->there + length - 1), (unsigned long long)u->size);
    return put_range(u, view_of(u->chunk + skip, length), range, e);
}

static int ask_status(struct upload *u, struct err *e)
{
    char *range CLEANUP(cleanup_free) = xasprintf("bytes */%llu", (unsigned long long)u->size);
    return put_range(u, view_of(NULL, 0), range, e);
}

/* Sends what is held until the server has it. After a failure it is asked first how far it got. */
static int push_chunk(struct upload *u, struct err *e)
{
    struct gcp_patience patience;
    bool is_known = true;
    gcp_patience_init(&patience, u->site);
    while (!u->is_finished && u->there < u->start + u->held) {
        uint64_t before = u->there;
        int result = is_known ? send_held(u, e) : ask_status(u, e);
        if (result == 0) {
            is_known = true;
            if (u->there > before)
                gcp_patience_renew(&patience, u->site);
            continue;
        }
        is_known = false;
        if (gcp_patience_wait(&patience, u->site, &u->r, e) < 0)
            return -1;
    }
    return 0;
}

static int push_all(struct upload *u, int (*produce)(void *context, void *out, size_t length, struct err *e),
                    void *context, struct err *e)
{
    while (!u->is_finished) {
        uint64_t left = u->size - u->there;
        u->start = u->there;
        u->held = left < CHUNK ? (size_t)left : CHUNK;
        if (u->held == 0)
            return FAIL(e, ERR_PROTOCOL, "the upload session has every byte and does not end");
        if (produce(context, u->chunk, u->held, e) < 0)
            return -1;
        u->crc = crc32c(u->crc, u->chunk, u->held);
        if (push_chunk(u, e) < 0)
            return -1;
    }
    return 0;
}

int gcs_upload(const struct gcp_site *site, struct http_session *s, const char *bucket, const char *name,
               uint64_t size, const struct gcs_pair *pairs, size_t pair_count, uint64_t if_generation,
               int (*produce)(void *context, void *out, size_t length, struct err *e), void *context,
               struct err *e)
{
    struct upload u = {
        .site = site, .s = s, .bucket = bucket, .name = name, .size = size, .if_generation = if_generation};
    http_response_init(&u.r);
    u.chunk = xmalloc(size < CHUNK ? (size_t)size + 1 : CHUNK);
    int result = open_session(&u, pairs, pair_count, e);
    if (result == 0)
        result = push_all(&u, produce, context, e);
    if (result == 0)
        result = check_stored(&u.r, bucket, u.crc, NULL, e);
    else if (e->code == ERR_CONFLICT && u.start + u.held == size) {
        err_fini(e);
        result = gcs_resolve_write(site, s, bucket, name, size, u.crc, NULL, e);
    }
    free(u.chunk);
    free(u.session);
    http_response_fini(&u.r);
    return result == 0 ? 0 : gcs_fail(e, bucket, name);
}
