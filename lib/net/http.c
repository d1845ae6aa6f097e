#include "net/http.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "net/http_int.h"

#include "base/banned.h"

/* ---- libcurl's allocator: what it frees may have held tokens ---- */
static void *plain_malloc(size_t size)
{
    return xmalloc(size);
}

static void *plain_calloc(size_t count, size_t size)
{
    return xcalloc(count, size);
}

static char *plain_strdup(const char *text)
{
    return xstrdup(text);
}

int http_global_init(struct err *e)
{
    CURLcode code = curl_global_init_mem(CURL_GLOBAL_DEFAULT, plain_malloc, wiping_free, wiping_realloc,
                                         plain_strdup, plain_calloc);
    return code == CURLE_OK ? 0 : FAIL(e, ERR_BUG, "starting libcurl: %s", curl_easy_strerror(code));
}

/* ---- responses ---- */
void http_response_init(struct http_response *r)
{
    *r = (struct http_response){
        .status = 0, .body = STRBUF(HTTP_BODY_MAX), .headers = STRBUF(HTTP_HEADERS_MAX)};
}

void http_response_fini(struct http_response *r)
{
    /* Bodies of token endpoints are secrets. */
    if (r->body.data != NULL)
        secret_wipe(r->body.data, r->body.capacity);
    strbuf_fini(&r->body);
    strbuf_fini(&r->headers);
    r->status = 0;
}

void http_response_add_line(struct http_response *r, struct view line)
{
    line = view_trim(line);
    if (view_has_prefix(line, "HTTP/")) {
        /* A new response: the headers so far belonged to an interim one. */
        strbuf_clear(&r->headers);
    } else if (line.len > 0) {
        strbuf_add_view(&r->headers, line);
        strbuf_add_char(&r->headers, '\n');
    }
}

struct view http_response_header(const struct http_response *r, const char *name)
{
    struct view rest = strbuf_view(&r->headers);
    while (rest.len > 0) {
        struct view line = view_cut(rest, '\n', &rest), value;
        struct view key = view_cut(line, ':', &value);
        if (key.len == strlen(name) && strncasecmp(key.ptr, name, key.len) == 0)
            return view_trim(value);
    }
    return view_of(NULL, 0);
}

int http_response_retry_after(const struct http_response *r, int64_t now_us)
{
    struct view value = http_response_header(r, "Retry-After");
    uint64_t seconds = 0;
    if (value.len == 0)
        return -1;
    if (view_to_u64(value, &seconds))
        return seconds > 86400 ? 86400 : (int)seconds;
    char *text CLEANUP(cleanup_free) = view_dup(value);
    time_t when = curl_getdate(text, NULL);
    if (when < 0)
        return -1;
    int64_t left = (int64_t)when - now_us / 1000000;
    return left < 0 ? 0 : left > 86400 ? 86400 : (int)left;
}
