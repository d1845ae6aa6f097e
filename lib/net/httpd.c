#include "net/httpd.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "os/loop.h"

#include "base/banned.h"

enum { BODY_MAX = 1024 * 1024, HEADERS_MAX = 16 * 1024, REQUEST_BODY_MAX = 4096, IDLE_SECONDS = 20 };

struct httpd {
    struct evhttp *http;
    httpd_fn *fn;
    void *context;
};

static void answer(struct evhttp_request *request, void *context)
{
    struct httpd *d = context;
    struct strbuf body = STRBUF(BODY_MAX);
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri == NULL ? NULL : evhttp_uri_get_path(uri);
    int status = path == NULL ? 400 : d->fn(d->context, path, &body);
    struct evbuffer *out = evbuffer_new();
    if (out == NULL)
        abort();
    evbuffer_add(out, strbuf_text(&body), body.len);
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
                      "text/plain; charset=utf-8");
    evhttp_send_reply(request, status, NULL, out);
    evbuffer_free(out);
    strbuf_fini(&body);
}

static int split_address(const char *address, char **ret_host, unsigned *ret_port, struct err *e)
{
    const char *colon = strrchr(address, ':');
    uint64_t port;
    if (colon == NULL || !view_to_u64(view_from(colon + 1), &port) || port > 65535)
        return FAIL_OBJECT(e, ERR_INVALID, address, "address %s is not HOST:PORT", address);
    struct view host = view_of(address, (size_t)(colon - address));
    if (view_has_prefix(host, "[") && view_has_suffix(host, "]"))
        host = view_of(host.ptr + 1, host.len - 2);
    *ret_host = host.len == 0 ? xstrdup("0.0.0.0") : view_dup(host);
    *ret_port = (unsigned)port;
    return 0;
}

struct httpd *httpd_new(struct loop *loop, const char *address, httpd_fn *fn, void *context, struct err *e)
{
    char *host CLEANUP(cleanup_free) = NULL;
    unsigned port;
    if (split_address(address, &host, &port, e) < 0)
        return NULL;
    struct httpd *d = xcalloc(1, sizeof(*d));
    d->fn = fn;
    d->context = context;
    d->http = evhttp_new(loop_event_base(loop));
    if (d->http == NULL)
        abort();
    evhttp_set_allowed_methods(d->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    evhttp_set_max_headers_size(d->http, HEADERS_MAX);
    evhttp_set_max_body_size(d->http, REQUEST_BODY_MAX);
    evhttp_set_timeout(d->http, IDLE_SECONDS);
    evhttp_set_gencb(d->http, answer, d);
    if (evhttp_bind_socket(d->http, host, (ev_uint16_t)port) != 0) {
        err_set_errno(e, "listening on %s", address);
        httpd_free(d);
        return NULL;
    }
    return d;
}

void httpd_free(struct httpd *d)
{
    if (d == NULL)
        return;
    evhttp_free(d->http);
    free(d);
}
