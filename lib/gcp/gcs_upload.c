#include "gcp/gcs_upload.h"

#include <string.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "gcp/byte_range.h"
#include "gcp/gcs_int.h"
#include "gcp/gcs_stored.h"
#include "net/url.h"

#include "base/banned.h"

enum { CHUNK = 4 * 1024 * 1024 }; /* a multiple of 256 KiB, as the API wants */

struct upload {
    const struct gcs_bucket *b;
    const struct gcs_content *content;
    struct gcs_stored stored; /* crc32c: of everything produced */
    char *session;            /* URL */
    bool is_elsewhere;        /* the session is at another host, which gets no token */
    uint8_t *chunk;           /* kept until the server has all of it */
    uint64_t start;           /* offset of chunk */
    size_t held;              /* bytes in it */
    uint64_t there;           /* offset up to which the server has everything */
    uint64_t reached;         /* the most that it ever had */
    bool is_question;         /* the last request asked how much it has */
    bool is_finished;         /* the server has made the object, and it is ours */
    struct http_response r;
};

/* ---- the session ---- */

/* A session's URL grants access by itself, and Storage chooses its host. Another host gets the ciphertext but
 * no token, and nothing over an unencrypted connection. */
static int read_session(void *context, const struct http_response *r, struct err *e)
{
    struct upload *u = context;
    struct err ignored CLEANUP(err_fini) = {0};
    struct view location = http_response_header(r, "Location");
    struct url ours, theirs;
    free(u->session);
    u->session = view_dup(location);
    if (url_parse(u->b->client.config->storage_url, &ours, e) < 0)
        return -1;
    if (location.len == 0 || url_parse(u->session, &theirs, &ignored) < 0)
        return REPLY_FAIL(&u->stored.event, NO_SESSION, e, "the server did not open an upload session");
    bool is_same_scheme = view_equal(ours.scheme, theirs.scheme);
    if (!is_same_scheme && view_equal_text(ours.scheme, "https"))
        return REPLY_FAIL(&u->stored.event, INSECURE, e,
                          "the server opened an upload session over an unencrypted connection");
    u->is_elsewhere = !is_same_scheme || !view_equal(ours.host, theirs.host) || ours.port != theirs.port;
    return 0;
}

static int open_session(struct upload *u, struct err *e)
{
    char *url CLEANUP(cleanup_free) = gcs_stored_url(u->b, u->stored.w, "resumable");
    char *resource CLEANUP(cleanup_free) = gcs_stored_resource(u->stored.w, NULL);
    char *length CLEANUP(cleanup_free) = xasprintf("%llu", (unsigned long long)u->content->size);
    struct http_header headers[] = {{"Content-Type", "application/json; charset=UTF-8"},
                                    {"X-Upload-Content-Type", "application/octet-stream"},
                                    {"X-Upload-Content-Length", length}};
    struct gcp_request q = {.kind = REPLY_OPEN,
                            .http = {.method = "POST",
                                     .url = url,
                                     .headers = headers,
                                     .header_count = ARRAY_LEN(headers),
                                     .body = view_from(resource)},
                            .read = read_session,
                            .context = u,
                            .event = &u->stored.event};
    return gcp_call(&u->b->client, &q, &u->r, e);
}

/* ---- what the session answers ---- */

/* The server has not got everything, it says. */
static int take_progress(struct upload *u, struct err *e)
{
    uint64_t end, before = u->reached, last = u->start + u->held;
    int *event = &u->stored.event;
    if (!byte_range_read_arrived(http_response_header(&u->r, "Range"), &end) || end > last)
        return REPLY_FAIL(event, BAD_RANGE, e,
                          "the upload session claims \"%.*s\", which does not match what was sent",
                          VIEW_ARG(http_response_header(&u->r, "Range")));
    if (end < u->start)
        return REPLY_FAIL(event, BACKWARD, e, "the upload session has lost bytes that it had: %llu are left",
                          (unsigned long long)end);
    u->there = end;
    if (end > u->reached)
        u->reached = end;
    if (end == u->content->size)
        return REPLY_FAIL(event, UNFINISHED, e,
                          "the upload session has every byte and did not create the object");
    if (!u->is_question && end < last && end < before + HTTP_PROGRESS_BYTES)
        return REPLY_FAIL(event, NO_PROGRESS, e,
                          "the upload session does not take more than %llu bytes of %llu",
                          (unsigned long long)end, (unsigned long long)u->content->size);
    return 0;
}

static int read_reply(void *context, const struct http_response *r, struct err *e)
{
    struct upload *u = context;
    if (r->status == 308)
        return take_progress(u, e);
    u->is_finished = gcs_stored_read(&u->stored, r, e) == 0;
    return u->is_finished ? 0 : -1;
}

static enum reply_action look_up(void *context, struct err *e)
{
    struct upload *u = context;
    enum reply_action action = gcs_stored_look_up(&u->stored, e);
    u->is_finished = action == REPLY_ACCEPT;
    return action;
}

/* ---- the content ---- */

/* Without bytes it asks how much the server has. Errors show the URL without its query, which grants access.
 */
static enum reply_action put_range(struct upload *u, struct view bytes, const char *range, struct err *e)
{
    int try_ms = u->b->client.config->retry.try_ms;
    struct http_header header = {"Content-Range", range};
    char *label CLEANUP(cleanup_free) = view_dup(view_of(u->session, strcspn(u->session, "?")));
    struct gcp_request q = {.kind = bytes.len == 0 ? REPLY_ASK : REPLY_CHUNK,
                            .http = {.method = "PUT",
                                     .url = u->session,
                                     .label = label,
                                     .headers = &header,
                                     .header_count = 1,
                                     .body = bytes,
                                     .max_body_bytes = GCS_RESOURCE_MAX,
                                     .idle_timeout_ms = try_ms,
                                     .total_timeout_ms = bytes.len == 0 ? try_ms : 0},
                            .is_public = u->is_elsewhere,
                            .read = read_reply,
                            .look_up = look_up,
                            .context = u,
                            .event = &u->stored.event};
    u->is_question = bytes.len == 0;
    return gcp_try(&u->b->client, &q, &u->r, e);
}

static enum reply_action send_held(struct upload *u, struct err *e)
{
    size_t skip = (size_t)(u->there - u->start), length = u->held - skip;
    char *range CLEANUP(cleanup_free) =
        xasprintf("bytes %llu-%llu/%llu", (unsigned long long)u->there,
                  (unsigned long long)(u->there + length - 1), (unsigned long long)u->content->size);
    return put_range(u, view_of(u->chunk + skip, length), range, e);
}

static enum reply_action ask_status(struct upload *u, struct err *e)
{
    char *range CLEANUP(cleanup_free) = xasprintf("bytes */%llu", (unsigned long long)u->content->size);
    return put_range(u, view_of(NULL, 0), range, e);
}

/* Sends the chunk until the server has it. After a failure the server is first asked how much it has. */
static int push_chunk(struct upload *u, struct err *e)
{
    struct gcp_retry retry;
    uint64_t end = u->start + u->held;
    bool is_known = true, is_last = end == u->content->size;
    gcp_client_retry_init(&u->b->client, &retry);
    while (!u->is_finished && (u->there < end || is_last)) {
        uint64_t before = u->reached;
        enum reply_action action = is_known ? send_held(u, e) : ask_status(u, e);
        if (u->reached >= before + HTTP_PROGRESS_BYTES)
            gcp_retry_renew(&retry);
        is_known = action == REPLY_ACCEPT;
        if (!is_known && (action != REPLY_AGAIN || gcp_retry_wait(&retry, &u->r, e) < 0))
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
        if (u->content->produce(u->content->context, u->chunk, u->held, e) < 0)
            return -1;
        u->stored.crc32c = crc32c(u->stored.crc32c, u->chunk, u->held);
        if (push_chunk(u, e) < 0)
            return -1;
    }
    return 0;
}

int gcs_upload(const struct gcs_bucket *b, const struct gcs_write *w, const struct gcs_content *content,
               struct err *e)
{
    struct upload u = {.b = b, .content = content, .stored = {.b = b, .w = w, .size = content->size}};
    http_response_init(&u.r);
    u.chunk = xmalloc(content->size < CHUNK ? (size_t)content->size + 1 : CHUNK);
    int result = open_session(&u, e);
    if (result == 0)
        result = push_all(&u, e);
    free(u.chunk);
    free(u.session);
    http_response_fini(&u.r);
    return result == 0 ? 0 : gcs_fail(b, w->name, e);
}
