#include "gcp/gcs_write.h"

#include <string.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "base/crc32c.h"
#include "crypt/digest.h"
#include "data/js.h"
#include "gcp/gcs_int.h"
#include "net/url.h"

#include "base/banned.h"

enum { RESOURCE_MAX = 64 * 1024, MULTIPART_EXTRA = 128 * 1024 };

/* type: "multipart" or "resumable". */
static char *write_url(const struct gcs_bucket *b, const struct gcs_write *w, const char *type)
{
    char *base CLEANUP(cleanup_free) = gcs_url(b, "/upload", NULL);
    char *encoded CLEANUP(cleanup_free) = url_encode(w->name);
    if (w->if_generation == GCS_ANY_GENERATION)
        return xasprintf("%s?uploadType=%s&name=%s", base, type, encoded);
    return xasprintf("%s?uploadType=%s&name=%s&ifGenerationMatch=%llu", base, type, encoded,
                     (unsigned long long)w->if_generation);
}

/* Base64 of the checksum's four bytes, most significant first. */
static char *encode_crc(uint32_t crc)
{
    uint8_t b[4] = {(uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8), (uint8_t)crc};
    return base64_encode(b, sizeof(b));
}

/* The object resource to create, as compact text; crc is NULL while it is not known. The caller frees it. */
static char *resource_text(const struct gcs_write *w, const uint32_t *crc)
{
    json_t *resource CLEANUP(js_free) =
        json_pack("{s:s,s:s}", "name", w->name, "contentType", "application/octet-stream");
    if (crc != NULL) {
        char *text CLEANUP(cleanup_free) = encode_crc(*crc);
        json_object_set_new(resource, "crc32c", json_string(text));
    }
    json_t *metadata = json_object();
    for (size_t i = 0; i < w->metadata_count; i++)
        json_object_set_new(metadata, w->metadata[i].key, json_string(w->metadata[i].value));
    json_object_set_new(resource, "metadata", metadata);
    return js_dump(resource);
}

/* What was sent. */
struct sent {
    uint64_t size;
    uint32_t crc32c;
};

/* Compares what the server says it stored with what was sent. ret_generation may be NULL. */
static int check_stored(const struct http_response *r, struct sent sent, uint64_t *ret_generation,
                        struct err *e)
{
    json_t *resource CLEANUP(js_free) = js_parse(strbuf_view(&r->body), "the reply to an upload", e);
    struct gcs_object stored;
    if (resource == NULL)
        return -1;
    gcs_object_decode(resource, &stored);
    bool is_equal = stored.crc32c == sent.crc32c;
    if (is_equal && ret_generation != NULL)
        *ret_generation = stored.generation;
    gcs_object_fini(&stored);
    return is_equal ? 0 : FAIL(e, ERR_PROTOCOL, "the object was corrupted in transit to the bucket");
}

/* After a write of unknown outcome: 0 when the object there has the size and checksum of what was sent. */
static int resolve_write(const struct gcs_bucket *b, const char *name, struct sent sent,
                         uint64_t *ret_generation, struct err *e)
{
    struct gcs_object there;
    if (gcs_stat(b, name, &there, e) < 0)
        return -1;
    bool is_ours = there.size == sent.size && there.crc32c == sent.crc32c;
    if (is_ours && ret_generation != NULL)
        *ret_generation = there.generation;
    gcs_object_fini(&there);
    return is_ours ? 0 : FAIL(e, ERR_CONFLICT, "another version of the object exists");
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

int gcs_write_small(const struct gcs_bucket *b, const struct gcs_write *w, struct view bytes,
                    uint64_t *ret_generation, struct err *e)
{
    uint8_t random[16];
    random_bytes(random, sizeof(random));
    struct sent sent = {bytes.len, crc32c(0, bytes.ptr, bytes.len)};
    char *boundary CLEANUP(cleanup_free) = hex_encode(random, sizeof(random));
    char *type CLEANUP(cleanup_free) = xasprintf("multipart/related; boundary=%s", boundary);
    char *url CLEANUP(cleanup_free) = write_url(b, w, "multipart");
    char *resource CLEANUP(cleanup_free) = resource_text(w, &sent.crc32c);
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
    int result = gcp_call(&b->client, &q, &r, e);
    if (result == 0)
        result = check_stored(&r, sent, ret_generation, e);
    else if (e->code == ERR_CONFLICT) {
        /* Perhaps an earlier try of ours succeeded and its reply was lost. */
        err_fini(e);
        result = resolve_write(b, w->name, sent, ret_generation, e);
    }
    http_response_fini(&r);
    strbuf_fini(&body);
    return result == 0 ? 0 : gcs_fail(b, w->name, e);
}

/* ---- large objects: a resumable session ---- */
enum { CHUNK = 4 * 1024 * 1024 }; /* a multiple of 256 KiB, as the API wants */

struct upload {
    const struct gcs_bucket *b;
    const struct gcs_write *w;
    const struct gcs_content *content;
    char *session;     /* URL */
    bool is_elsewhere; /* the session is at another host, which gets no token */
    uint8_t *chunk;    /* kept until the server has all of it */
    uint64_t start;    /* offset of chunk */
    size_t held;       /* bytes in it */
    uint64_t there;    /* offset up to which the server has everything */
    uint32_t crc;      /* of everything produced */
    bool is_finished;  /* the server has made the object */
    struct http_response r;
};

/* A session's URL grants access by itself, and Storage chooses its host. Another host gets the ciphertext but
 * no token, and nothing over an unencrypted connection. */
static int check_session(struct upload *u, struct err *e)
{
    struct url ours, theirs;
    if (url_parse(u->b->client.config->storage_url, &ours, e) < 0 || url_parse(u->session, &theirs, e) < 0)
        return -1;
    bool is_same_scheme = view_equal(ours.scheme, theirs.scheme);
    if (!is_same_scheme && view_equal_text(ours.scheme, "https"))
        return FAIL(e, ERR_PROTOCOL, "the server opened an upload session over an unencrypted connection");
    u->is_elsewhere = !is_same_scheme || !view_equal(ours.host, theirs.host) || ours.port != theirs.port;
    return 0;
}

static int open_session(struct upload *u, struct err *e)
{
    char *url CLEANUP(cleanup_free) = write_url(u->b, u->w, "resumable");
    char *resource CLEANUP(cleanup_free) = resource_text(u->w, NULL);
    char *length CLEANUP(cleanup_free) = xasprintf("%llu", (unsigned long long)u->content->size);
    struct http_header headers[] = {{"Content-Type", "application/json; charset=UTF-8"},
                                    {"X-Upload-Content-Type", "application/octet-stream"},
                                    {"X-Upload-Content-Length", length}};
    struct http_request q = {
        .method = "POST", .url = url, .headers = headers, .header_count = 3, .body = view_from(resource)};
    if (gcp_call(&u->b->client, &q, &u->r, e) < 0)
        return -1;
    struct view location = http_response_header(&u->r, "Location");
    if (location.len == 0)
        return FAIL(e, ERR_PROTOCOL, "the server did not open an upload session");
    u->session = view_dup(location);
    return check_session(u, e);
}

/* "Range: bytes=0-N" of a 308: N may be less than what was sent; without the header the server has nothing.
 */
static int take_progress(struct upload *u, struct err *e)
{
    struct view range = http_response_header(&u->r, "Range"), last;
    uint64_t end = 0;
    if (u->r.status == 200 || u->r.status == 201) {
        u->is_finished = true;
        u->there = u->content->size;
        return 0;
    }
    if (u->r.status != 308)
        return FAIL(e, ERR_PROTOCOL, "the upload session answered %d", u->r.status);
    if (range.len > 0) {
        (void)view_cut(range, '-', &last);
        if (!view_to_u64(last, &end))
            return FAIL(e, ERR_PROTOCOL, "the upload session answered with a malformed range");
        end++;
    }
    if (end < u->start || end > u->start + u->held)
        return FAIL(e, ERR_PROTOCOL, "the upload session claims %llu bytes, which do not match what was sent",
                    (unsigned long long)end);
    u->there = end;
    return 0;
}

/* Without bytes it asks how much the server has. Errors show the URL without its query, which grants access.
 */
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
    int result = u->is_elsewhere ? gcp_try_without_token(&u->b->client, &q, &u->r, e)
                                 : gcp_try(&u->b->client, &q, &u->r, e);
    if (result < 0 && e->code == ERR_NOT_FOUND)
        err_recode(e, ERR_GONE);
    return result < 0 ? -1 : take_progress(u, e);
}

static int send_held(struct upload *u, struct err *e)
{
    size_t skip = (size_t)(u->there - u->start), length = u->held - skip;
    char *range CLEANUP(cleanup_free) =
        xasprintf("bytes %llu-%llu/%llu", (unsigned long long)u->there,
                  (unsigned long long)(u->there + length - 1), (unsigned long long)u->content->size);
    return put_range(u, view_of(u->chunk + skip, length), range, e);
}

static int ask_status(struct upload *u, struct err *e)
{
    char *range CLEANUP(cleanup_free) = xasprintf("bytes */%llu", (unsigned long long)u->content->size);
    return put_range(u, view_of(NULL, 0), range, e);
}

/* Sends the chunk until the server has it. After a failure the server is first asked how much it has. */
static int push_chunk(struct upload *u, struct err *e)
{
    struct gcp_retry retry;
    bool is_known = true;
    gcp_retry_init(&retry, u->b->client.config);
    while (!u->is_finished && u->there < u->start + u->held) {
        uint64_t before = u->there;
        int result = is_known ? send_held(u, e) : ask_status(u, e);
        if (result == 0) {
            is_known = true;
            if (u->there > before)
                gcp_retry_renew(&retry);
            continue;
        }
        is_known = false;
        if (gcp_retry_wait(&retry, &u->r, e) < 0)
            return -1;
    }
    return 0;
}

static int push_all(struct upload *u, struct err *e)
{
    while (!u->is_finished) {
        uint64_t left = u->content->size - u->there;
        u->start = u->there;
        u->held = left < CHUNK ? (size_t)left : CHUNK;
        if (u->held == 0)
            return FAIL(e, ERR_PROTOCOL, "the upload session has every byte and did not create the object");
        if (u->content->produce(u->content->context, u->chunk, u->held, e) < 0)
            return -1;
        u->crc = crc32c(u->crc, u->chunk, u->held);
        if (push_chunk(u, e) < 0)
            return -1;
    }
    return 0;
}

int gcs_upload(const struct gcs_bucket *b, const struct gcs_write *w, const struct gcs_content *content,
               struct err *e)
{
    struct upload u = {.b = b, .w = w, .content = content};
    http_response_init(&u.r);
    u.chunk = xmalloc(content->size < CHUNK ? (size_t)content->size + 1 : CHUNK);
    int result = open_session(&u, e);
    if (result == 0)
        result = push_all(&u, e);
    if (result == 0)
        result = check_stored(&u.r, (struct sent){content->size, u.crc}, NULL, e);
    else if (e->code == ERR_CONFLICT && u.start + u.held == content->size) {
        err_fini(e);
        result = resolve_write(b, w->name, (struct sent){content->size, u.crc}, NULL, e);
    }
    free(u.chunk);
    free(u.session);
    http_response_fini(&u.r);
    return result == 0 ? 0 : gcs_fail(b, w->name, e);
}
