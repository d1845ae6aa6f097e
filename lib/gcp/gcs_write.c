#include "gcp/gcs_write.h"

#include "base/alloc.h"
#include "base/codec.h"
#include "base/crc32c.h"
#include "crypt/digest.h"
#include "gcp/gcs_int.h"
#include "gcp/gcs_stored.h"

#include "base/banned.h"

enum { MULTIPART_EXTRA = 128 * 1024 };

/* multipart/related (RFC 2387) */
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
    struct gcs_stored stored = {.b = b, .w = w, .size = bytes.len, .crc32c = crc32c(0, bytes.ptr, bytes.len)};
    char *boundary CLEANUP(cleanup_free) = hex_encode(random, sizeof(random));
    char *type CLEANUP(cleanup_free) = xasprintf("multipart/related; boundary=%s", boundary);
    char *url CLEANUP(cleanup_free) = gcs_stored_url(b, w, "multipart");
    char *resource CLEANUP(cleanup_free) = gcs_stored_resource(w, &stored.crc32c);
    struct strbuf body = STRBUF(bytes.len + MULTIPART_EXTRA);
    struct http_header header = {"Content-Type", type};
    struct http_response r;
    http_response_init(&r);
    fill_multipart(&body, boundary, resource, bytes);
    struct gcp_request q = {.kind = REPLY_WRITE,
                            .http = {.method = "POST",
                                     .url = url,
                                     .headers = &header,
                                     .header_count = 1,
                                     .body = strbuf_view(&body),
                                     .max_body_bytes = GCS_RESOURCE_MAX},
                            .read = gcs_stored_read,
                            .look_up = gcs_stored_look_up,
                            .context = &stored,
                            .event = &stored.event};
    int result = gcp_call(&b->client, &q, &r, e);
    http_response_fini(&r);
    strbuf_fini(&body);
    if (result < 0)
        return gcs_fail(b, w->name, e);
    if (ret_generation != NULL)
        *ret_generation = stored.generation;
    return 0;
}
