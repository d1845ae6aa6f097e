#include "net/httpd.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "net/httpd_int.h"
#include "os/loop.h"

#include "base/banned.h"

enum {
    BODY_MAX = 1024 * 1024,
    HEADERS_MAX = 16 * 1024,
    IDLE_SECONDS = 20,
    /* Of httpd_new's servers, which answer at once. */
    TEXT_REQUEST_BODY_MAX = 4096,
    TEXT_REQUEST_MS = 20 * 1000,
    TEXT_CONNECTIONS_MAX = 64,
};

struct httpd_call {
    struct httpd *server;
    struct evhttp_request *request;
    struct httpd_call *next; /* unanswered calls of the server */
    struct httpd_call **link;
};

struct httpd {
    struct evhttp *http;
    httpd_fn *fn; /* of httpd_new, else NULL */
    struct httpd_service service;
    struct httpd_call *calls;
    struct connections *connections;
};

/* ---- answers ---- */
/* NULL when it is closed already. */
static struct bufferevent *connection_of(struct evhttp_request *request)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    return connection == NULL ? NULL : evhttp_connection_get_bufferevent(connection);
}

static void reply(struct httpd *d, struct evhttp_request *request, int status, const char *type,
                  struct view body)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    struct evbuffer *out = evbuffer_new();
    char length[24];
    if (out == NULL)
        abort();
    connections_note_answer(d->connections, connection_of(request));
    evhttp_add_header(headers, "Content-Type", type);
    if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD) {
        /* evhttp would send the body. */
        (void)snprintf(length, sizeof(length), "%zu", body.len);
        evhttp_add_header(headers, "Content-Length", length);
    } else {
        evbuffer_add(out, body.ptr, body.len);
    }
    evhttp_send_reply(request, status, NULL, out);
    evbuffer_free(out);
}

static const char *path_of(const struct evhttp_request *request)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    return uri == NULL ? NULL : evhttp_uri_get_path(uri);
}

static void answer_text(struct evhttp_request *request, void *context)
{
    struct httpd *d = context;
    struct strbuf body = STRBUF(BODY_MAX);
    const char *path = path_of(request);
    int status = path == NULL ? 400 : d->fn(d->service.context, path, &body);
    reply(d, request, status, "text/plain; charset=utf-8", strbuf_view(&body));
    strbuf_fini(&body);
}

/* ---- calls ---- */
static void call_free(struct httpd_call *c)
{
    *c->link = c->next;
    if (c->next != NULL)
        c->next->link = c->link;
    free(c);
}

static void begin_call(struct evhttp_request *request, void *context)
{
    struct httpd *d = context;
    struct httpd_call *c = xmalloc(sizeof(*c));
    *c = (struct httpd_call){.server = d, .request = request, .next = d->calls, .link = &d->calls};
    if (c->next != NULL)
        c->next->link = &c->next;
    d->calls = c;
    connections_note_request(d->connections, connection_of(request));
    if (path_of(request) == NULL)
        httpd_answer(c, 400, "text/plain", view_from("the request has no path\n"), 0);
    else
        d->service.fn(d->service.context, c);
}

void *httpd_call_context(const struct httpd_call *c)
{
    return c->server->service.context;
}

bool httpd_call_is_post(const struct httpd_call *c)
{
    return evhttp_request_get_command(c->request) == EVHTTP_REQ_POST;
}

const char *httpd_call_path(const struct httpd_call *c)
{
    return path_of(c->request);
}

struct view httpd_call_bearer(const struct httpd_call *c)
{
    static const char scheme[] = "Bearer ";
    const char *value = evhttp_find_header(evhttp_request_get_input_headers(c->request), "Authorization");
    if (value == NULL || strncasecmp(value, scheme, sizeof(scheme) - 1) != 0)
        return view_of(NULL, 0);
    return view_trim(view_from(value + sizeof(scheme) - 1));
}

struct view httpd_call_body(struct httpd_call *c)
{
    struct evbuffer *in = evhttp_request_get_input_buffer(c->request);
    return view_of(evbuffer_pullup(in, -1), evbuffer_get_length(in));
}

void httpd_answer(struct httpd_call *c, int status, const char *type, struct view body, int retry_seconds)
{
    struct evhttp_request *request = c->request;
    struct httpd *d = c->server;
    char seconds[16];
    call_free(c);
    if (retry_seconds > 0) {
        (void)snprintf(seconds, sizeof(seconds), "%d", retry_seconds);
        evhttp_add_header(evhttp_request_get_output_headers(request), "Retry-After", seconds);
    }
    reply(d, request, status, type, body);
}

/* ---- life ---- */
static int split_address(const char *address, char **ret_host, unsigned *ret_port, struct err *e)
{
    const char *colon = strrchr(address, ':');
    uint64_t port;
    if (colon == NULL || !view_to_u64(view_from(colon + 1), &port) || port > 65535)
        return FAIL_OBJECT(e, ERR_INVALID, address, "address %s is not of the form HOST:PORT", address);
    struct view host = view_of(address, (size_t)(colon - address));
    if (view_has_prefix(host, "[") && view_has_suffix(host, "]"))
        host = view_of(host.ptr + 1, host.len - 2);
    *ret_host = host.len == 0 ? xstrdup("0.0.0.0") : view_dup(host);
    *ret_port = (unsigned)port;
    return 0;
}

static struct httpd *server_new(struct loop *loop, const struct httpd_service *service)
{
    const struct connection_limits limits = {.tls = service->tls,
                                             .unread_max = HEADERS_MAX + service->max_body_bytes,
                                             .request_ms = service->request_ms,
                                             .max_connections = service->max_connections};
    struct httpd *d = xcalloc(1, sizeof(*d));
    d->service = *service;
    d->http = evhttp_new(loop_event_base(loop));
    if (d->http == NULL)
        abort();
    evhttp_set_max_headers_size(d->http, HEADERS_MAX);
    evhttp_set_max_body_size(d->http, (ev_ssize_t)service->max_body_bytes);
    evhttp_set_timeout(d->http, IDLE_SECONDS);
    d->connections = connections_new(loop, &limits);
    evhttp_set_bevcb(d->http, connections_accept, d->connections);
    return d;
}

/* Returns d, or frees it and returns NULL. */
static struct httpd *start_listening(struct httpd *d, struct err *e)
{
    const char *address = d->service.address;
    char *host CLEANUP(cleanup_free) = NULL;
    struct evhttp_bound_socket *bound = NULL;
    unsigned port;
    if (split_address(address, &host, &port, e) == 0) {
        bound = evhttp_bind_socket_with_handle(d->http, host, (ev_uint16_t)port);
        if (bound == NULL)
            (void)FAIL_ERRNO(e, "listening on %s", address);
    }
    if (bound == NULL) {
        httpd_free(d);
        return NULL;
    }
    connections_set_listener(d->connections, evhttp_bound_socket_get_listener(bound));
    return d;
}

struct httpd *httpd_new(struct loop *loop, const char *address, httpd_fn *fn, void *context, struct err *e)
{
    const struct httpd_service service = {.address = address,
                                          .max_body_bytes = TEXT_REQUEST_BODY_MAX,
                                          .request_ms = TEXT_REQUEST_MS,
                                          .max_connections = TEXT_CONNECTIONS_MAX,
                                          .context = context};
    struct httpd *d = server_new(loop, &service);
    d->fn = fn;
    evhttp_set_allowed_methods(d->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    evhttp_set_gencb(d->http, answer_text, d);
    return start_listening(d, e);
}

struct httpd *httpd_open(struct loop *loop, const struct httpd_service *service, struct err *e)
{
    struct httpd *d = server_new(loop, service);
    evhttp_set_allowed_methods(d->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST);
    evhttp_set_gencb(d->http, begin_call, d);
    return start_listening(d, e);
}

void httpd_free(struct httpd *d)
{
    if (d == NULL)
        return;
    while (d->calls != NULL)
        call_free(d->calls);
    evhttp_free(d->http);
    connections_free(d->connections);
    free(d);
}
