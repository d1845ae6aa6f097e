#include "kube/client.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "data/js.h"
#include "data/skim.h"
#include "kobj/status.h"
#include "net/http_loop.h"
#include "net/http_session.h"
#include "os/loop.h"

#include "base/banned.h"

enum {
    ANSWER_MAX = 8 * 1024 * 1024, /* etcd takes 1.5 MiB; managedFields and escaping add to it */
    TOTAL_TIMEOUT_MS = 60 * 1000,
    RETRY_AFTER_MOST_S = 60, /* a proxy may ask for an hour */
    HEADERS = 3,
};

#define ACCEPT_ALL      "application/json"
#define PROTOBUF        "application/vnd.kubernetes.protobuf"
#define ACCEPT_PROTOBUF PROTOBUF ",application/json"
/* A server that does not support this returns the whole object. */
#define ACCEPT_METADATA "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"

enum answer_kind { ANSWER_OBJECT, ANSWER_OUTCOME, ANSWER_STREAM };

struct kube_client {
    struct loop *loop;
    struct kube_config *config;
    const char *user_agent;
    struct http_loop *http;
    struct kube_call *calls;
    kube_observer_fn *observer; /* or NULL */
    void *observer_context;
};

struct kube_call {
    struct kube_call *next, *previous;
    struct kube_client *client;
    struct http_call *http;     /* NULL when it could not be started: see start_error */
    struct loop_source *failed; /* reports start_error from the loop */
    struct err start_error;
    char method[8];
    enum answer_kind kind;
    struct kube_stream stream; /* of ANSWER_STREAM */
    kube_done_fn *on_done;
    void *context;
};

static void call_free(struct kube_call *call)
{
    if (call->previous != NULL)
        call->previous->next = call->next;
    else
        call->client->calls = call->next;
    if (call->next != NULL)
        call->next->previous = call->previous;
    loop_source_free(call->failed);
    err_fini(&call->start_error);
    free(call);
}

struct kube_client *kube_client_new(struct loop *loop, struct kube_config *config, const char *user_agent)
{
    struct kube_client *c = xcalloc(1, sizeof(*c));
    c->loop = loop;
    c->config = config;
    c->user_agent = user_agent;
    c->http = http_loop_new(loop, &config->tls);
    return c;
}

void kube_client_observe(struct kube_client *c, kube_observer_fn *fn, void *context)
{
    c->observer = fn;
    c->observer_context = context;
}

void kube_client_free(struct kube_client *c)
{
    if (c == NULL)
        return;
    http_loop_free(c->http);
    while (c->calls != NULL)
        call_free(c->calls);
    free(c);
}

static int read_outcome(struct view body, json_t **ret, struct err *e)
{
    static const char *const names[] = {"uid", "resourceVersion"};
    struct view v[ARRAY_LEN(names)];
    skim_members(skim_at(body, "metadata"), names, ARRAY_LEN(names), v);
    struct view uid = skim_text(v[0]), version = skim_text(v[1]);
    if (uid.len == 0)
        return FAIL(e, ERR_PROTOCOL, "the API server's response to a write is not an object");
    *ret = json_pack("{s:{s:s%, s:s%}}", "metadata", "uid", uid.ptr, uid.len, "resourceVersion", version.ptr,
                     version.len);
    return 0;
}

/* Parses the body, or turns an error response into an error. */
static int read_answer(const struct http_response *r, enum answer_kind kind, json_t **ret, struct err *e)
{
    if (r->status < 200 || r->status >= 300)
        return status_to_err(r->status, strbuf_view(&r->body), e);
    if (kind == ANSWER_STREAM || r->body.len == 0)
        return 0;
    if (kind == ANSWER_OUTCOME)
        return read_outcome(strbuf_view(&r->body), ret, e);
    *ret = js_parse_foreign(strbuf_view(&r->body), "the API server's response", e);
    return *ret == NULL ? -1 : 0;
}

static void on_http_done(void *context, const struct http_response *r, const struct err *e)
{
    struct kube_call *call = context;
    struct kube_client *c = call->client;
    struct err refusal CLEANUP(err_fini) = {0};
    json_t *object CLEANUP(js_free) = NULL;
    struct kube_answer answer = {.status = r->status, .is_unknown = e != NULL};
    if (e == NULL && read_answer(r, call->kind, &object, &refusal) < 0) {
        int seconds = http_response_retry_after(r, clock_wall_us());
        seconds = seconds < RETRY_AFTER_MOST_S ? seconds : RETRY_AFTER_MOST_S;
        answer.retry_after_ms = seconds > 0 ? (int64_t)seconds * 1000 : 0;
        /* A 503 is sent before anything is done. After any other 5xx the write may have been done, and a
         * successful response that cannot be parsed means that it was. */
        answer.is_unknown = (r->status >= 500 && r->status != 503) || r->status < 300;
        e = &refusal;
    }
    if (c->observer != NULL)
        c->observer(c->observer_context, call->method, r->status);
    if (r->status == 401)
        kube_config_forget_token(c->config);
    answer.object = object;
    call->on_done(call->context, &answer, e);
    call_free(call);
}

static void report_start_error(void *context)
{
    struct kube_call *call = context;
    struct kube_answer answer = {0};
    call->on_done(call->context, &answer, &call->start_error);
    call_free(call);
}

static const char *accepted(const struct kube_call *call)
{
    return call->kind == ANSWER_OUTCOME       ? ACCEPT_METADATA
           : call->stream.on_protobuf != NULL ? ACCEPT_PROTOBUF
                                              : ACCEPT_ALL;
}

/* q is without URL, headers and credentials. */
static struct kube_call *start(struct kube_client *c, struct http_request *q, const char *path,
                               struct kube_call *call)
{
    char *url CLEANUP(cleanup_free) = xasprintf("%s%s", c->config->server, path);
    struct http_header headers[HEADERS] = {{"Accept", accepted(call)}, {"User-Agent", c->user_agent}};
    q->url = url;
    q->headers = headers;
    q->header_count = 2;
    if (q->body.len > 0)
        headers[q->header_count++] = (struct http_header){"Content-Type", strcmp(q->method, "PATCH") == 0
                                                                              ? "application/merge-patch+json"
                                                                              : "application/json"};
    snprintf(call->method, sizeof(call->method), "%s", q->method);
    call->client = c;
    call->next = c->calls;
    if (c->calls != NULL)
        c->calls->previous = call;
    c->calls = call;
    if (kube_config_bearer(c->config, &q->bearer, &call->start_error) < 0) {
        call->failed = loop_add_timer(c->loop, report_start_error, call);
        loop_timer_set(call->failed, 0);
        return call;
    }
    call->http = http_start(c->http, q, on_http_done, call);
    return call;
}

static struct kube_call *call_new(enum answer_kind kind, kube_done_fn *on_done, void *context)
{
    struct kube_call *call = xcalloc(1, sizeof(*call));
    call->kind = kind;
    call->on_done = on_done;
    call->context = context;
    return call;
}

static struct http_request object_request(const char *method, struct view body)
{
    return (struct http_request){
        .method = method, .body = body, .max_body_bytes = ANSWER_MAX, .total_timeout_ms = TOTAL_TIMEOUT_MS};
}

struct kube_call *kube_start(struct kube_client *c, const char *method, const char *path, const json_t *body,
                             kube_done_fn *on_done, void *context)
{
    char *text CLEANUP(cleanup_free) = body == NULL ? NULL : js_dump(body);
    struct http_request q = object_request(method, view_from(text));
    return start(c, &q, path, call_new(ANSWER_OBJECT, on_done, context));
}

struct kube_call *kube_start_write(struct kube_client *c, const char *method, const char *path,
                                   const json_t *body, kube_done_fn *on_done, void *context)
{
    char *text CLEANUP(cleanup_free) = js_dump(body);
    return kube_start_write_text(c, method, path, view_from(text), on_done, context);
}

struct kube_call *kube_start_write_text(struct kube_client *c, const char *method, const char *path,
                                        struct view body, kube_done_fn *on_done, void *context)
{
    struct http_request q = object_request(method, body);
    return start(c, &q, path, call_new(ANSWER_OUTCOME, on_done, context));
}

/* The Content-Type of a watch has a parameter after a semicolon. */
static int on_stream_head(void *context, const struct http_response *r, struct err *e)
{
    const struct kube_call *call = context;
    (void)e;
    if (call->stream.on_protobuf != NULL &&
        view_has_prefix(http_response_header(r, "Content-Type"), PROTOBUF))
        call->stream.on_protobuf(call->stream.context);
    return 0;
}

static int on_stream_bytes(void *context, const void *bytes, size_t length, struct err *e)
{
    const struct kube_call *call = context;
    return call->stream.on_bytes(call->stream.context, bytes, length, e);
}

struct kube_call *kube_start_stream(struct kube_client *c, const struct kube_stream *s)
{
    struct kube_call *call = call_new(ANSWER_STREAM, s->on_done, s->context);
    struct http_request q = {.method = "GET",
                             .on_head = on_stream_head,
                             .on_body = on_stream_bytes,
                             .context = call,
                             .idle_timeout_ms = s->idle_timeout_ms,
                             .total_timeout_ms = s->total_timeout_ms};
    call->stream = *s;
    return start(c, &q, s->path, call);
}

void kube_call_cancel(struct kube_call *call)
{
    if (call == NULL)
        return;
    http_call_cancel(call->http);
    call_free(call);
}

int kube_get_blocking(struct kube_config *config, const char *path, json_t **ret, struct err *e)
{
    char *url CLEANUP(cleanup_free) = xasprintf("%s%s", config->server, path);
    struct http_header accept = {"Accept", ACCEPT_ALL};
    struct http_request q = object_request("GET", view_of(NULL, 0));
    q.url = url;
    q.headers = &accept;
    q.header_count = 1;
    struct http_response r;
    if (kube_config_bearer(config, &q.bearer, e) < 0)
        return -1;
    /* Only now, because a credential plugin may just have returned the client certificate. */
    struct http_session *session = http_session_new(&config->tls);
    http_response_init(&r);
    json_t *object = NULL;
    int result = http_perform(session, &q, &r, e);
    if (result == 0)
        result = read_answer(&r, ANSWER_OBJECT, &object, e);
    if (result == 0)
        *ret = object;
    http_response_fini(&r);
    http_session_free(session);
    return result < 0 ? err_wrap(e, "API server %s", config->server) : 0;
}
