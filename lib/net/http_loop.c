#include "net/http_loop.h"

#include <string.h>

#include "base/alloc.h"
#include "net/http_int.h"
#include "os/loop.h"

#include "base/banned.h"

/* Each connection costs a handshake and its buffers. libcurl's upload buffer, 64 KiB per request by default,
 * gets its minimum size. */
enum { HOST_CONNECTIONS_MAX = 16, SEND_BUFFER = 16 * 1024 };
/* A new handle costs as much as a small request. */
enum { SPARE_HANDLES_MAX = 8 };

struct watched_socket {
    struct http_loop *h;
    struct loop_source *source;
};

struct http_call {
    struct http_call *next, *previous;
    struct http_loop *h;
    CURL *easy;
    struct transfer transfer;
    struct http_request request; /* deep copy */
    struct http_header *headers;
    char *body;
    struct http_response response;
    struct err begin_error; /* why it could not be started; reported from the loop */
    bool is_cancelled;      /* by its owner: no callback runs any more */
    bool is_added;          /* in the multi handle */
    void (*on_done)(void *context, const struct http_response *r, const struct err *e);
    void *context;
};

struct http_loop {
    struct loop *loop;
    CURLM *multi;
    const struct http_tls *tls;
    struct loop_source *timer;    /* libcurl's own timeouts */
    struct loop_source *deferred; /* finishes calls outside of libcurl */
    struct http_call *calls;
    CURL *spare[SPARE_HANDLES_MAX]; /* without options */
    size_t spare_count;
};

/* ---- handles ---- */
static CURL *take_handle(struct http_loop *h)
{
    CURL *easy = h->spare_count > 0 ? h->spare[--h->spare_count] : curl_easy_init();
    if (easy == NULL)
        abort();
    return easy;
}

static void return_handle(struct http_loop *h, CURL *easy)
{
    if (h->spare_count == SPARE_HANDLES_MAX) {
        curl_easy_cleanup(easy);
        return;
    }
    curl_easy_reset(easy); /* frees the headers and credentials of its request */
    h->spare[h->spare_count++] = easy;
}

/* ---- the end of a call ---- */
static void call_free(struct http_call *c)
{
    if (c->previous != NULL)
        c->previous->next = c->next;
    else
        c->h->calls = c->next;
    if (c->next != NULL)
        c->next->previous = c->previous;
    if (c->is_added)
        curl_multi_remove_handle(c->h->multi, c->easy);
    return_handle(c->h, c->easy);
    http_response_fini(&c->response);
    for (size_t i = 0; i < c->request.header_count; i++) {
        free((void *)(uintptr_t)c->headers[i].name);
        free((void *)(uintptr_t)c->headers[i].value);
    }
    free(c->headers);
    free((void *)(uintptr_t)c->request.url);
    free((void *)(uintptr_t)c->request.label);
    free((void *)(uintptr_t)c->request.method);
    free(c->body);
    err_fini(&c->begin_error);
    free(c);
}

/* Removes the call from libcurl, calls on_done unless it is cancelled, and frees it. */
static void call_finish(struct http_call *c, CURLcode code)
{
    struct err e CLEANUP(err_fini) = {0};
    bool is_ok;
    if (c->is_added) {
        curl_multi_remove_handle(c->h->multi, c->easy);
        c->is_added = false;
        is_ok = transfer_end(&c->transfer, code, &e) == 0;
    } else {
        err_move(&e, &c->begin_error);
        is_ok = false;
    }
    if (!c->is_cancelled)
        c->on_done(c->context, &c->response, is_ok ? NULL : &e);
    call_free(c);
}

static void collect_finished(struct http_loop *h)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(h->multi, &left)) != NULL) {
        struct http_call *c = NULL;
        CURLcode code = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &c);
        call_finish(c, code);
    }
}

/* Finishes the calls that were cancelled or failed where they could not be removed at once. */
static void finish_deferred(void *context)
{
    struct http_loop *h = context;
    for (struct http_call *c = h->calls, *next; c != NULL; c = next) {
        next = c->next;
        if (c->is_cancelled) {
            if (c->is_added) {
                struct err ignored CLEANUP(err_fini) = {0};
                curl_multi_remove_handle(h->multi, c->easy);
                c->is_added = false;
                (void)!transfer_end(&c->transfer, CURLE_ABORTED_BY_CALLBACK, &ignored);
            }
            call_free(c);
        } else if (!c->is_added) {
            call_finish(c, CURLE_FAILED_INIT);
            next = h->calls; /* on_done may have changed the list */
        }
    }
}

static void drive(struct http_loop *h, curl_socket_t socket, int events)
{
    int running;
    curl_multi_socket_action(h->multi, socket, events, &running);
    collect_finished(h);
}

static void on_socket_ready(void *context, int fd, unsigned events)
{
    struct watched_socket *w = context;
    drive(w->h, fd,
          ((events & LOOP_READ) != 0 ? CURL_CSELECT_IN : 0) |
              ((events & LOOP_WRITE) != 0 ? CURL_CSELECT_OUT : 0));
}

static void on_timeout(void *context)
{
    drive(context, CURL_SOCKET_TIMEOUT, 0);
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *context, void *watched)
{
    struct http_loop *h = context;
    struct watched_socket *w = watched;
    (void)easy;
    if (w != NULL)
        loop_source_free(w->source);
    if (what == CURL_POLL_REMOVE) {
        free(w);
        curl_multi_assign(h->multi, socket, NULL);
        return 0;
    }
    if (w == NULL) {
        w = xcalloc(1, sizeof(*w));
        w->h = h;
        curl_multi_assign(h->multi, socket, w);
    }
    unsigned events =
        ((what & CURL_POLL_IN) != 0 ? LOOP_READ : 0U) | ((what & CURL_POLL_OUT) != 0 ? LOOP_WRITE : 0U);
    w->source = loop_add_io(h->loop, socket, events, on_socket_ready, w);
    return 0;
}

static int on_timer(CURLM *multi, long delay_ms, void *context)
{
    struct http_loop *h = context;
    (void)multi;
    loop_timer_set(h->timer, delay_ms);
    return 0;
}

struct http_loop *http_loop_new(struct loop *loop, const struct http_tls *tls)
{
    struct http_loop *h = xcalloc(1, sizeof(*h));
    h->loop = loop;
    h->tls = tls;
    h->multi = curl_multi_init();
    if (h->multi == NULL)
        abort();
    h->timer = loop_add_timer(loop, on_timeout, h);
    h->deferred = loop_add_timer(loop, finish_deferred, h);
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
    curl_multi_setopt(h->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)HOST_CONNECTIONS_MAX);
    return h;
}

void http_loop_free(struct http_loop *h)
{
    if (h == NULL)
        return;
    while (h->calls != NULL) {
        struct http_call *c = h->calls;
        c->is_cancelled = true;
        call_finish(c, CURLE_ABORTED_BY_CALLBACK);
    }
    while (h->spare_count > 0)
        curl_easy_cleanup(h->spare[--h->spare_count]);
    curl_multi_cleanup(h->multi);
    loop_source_free(h->timer);
    loop_source_free(h->deferred);
    free(h);
}

static void copy_request(struct http_call *c, const struct http_request *q)
{
    c->request = *q;
    c->request.method = xstrdup(q->method);
    c->request.url = xstrdup(q->url);
    c->request.label = q->label == NULL ? NULL : xstrdup(q->label);
    c->headers = xcalloc(q->header_count, sizeof(*c->headers));
    for (size_t i = 0; i < q->header_count; i++)
        c->headers[i] = (struct http_header){xstrdup(q->headers[i].name), xstrdup(q->headers[i].value)};
    c->request.headers = c->headers;
    if (q->body.len > 0) {
        c->body = view_dup(q->body);
        c->request.body.ptr = c->body;
    }
}

/* A watch may receive little, now and then, for hours, so any byte counts as progress. libcurl's own limit is
 * good enough here, because callbacks on the loop take no time. */
static void set_idle_limit(struct http_call *c)
{
    int idle_ms = transfer_idle_ms(&c->transfer);
    if (idle_ms < 0)
        return;
    curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_TIME, (long)(idle_ms + 999) / 1000);
}

struct http_call *
http_start(struct http_loop *h, const struct http_request *q,
           void (*on_done)(void *context, const struct http_response *r, const struct err *e), void *context)
{
    struct http_call *c = xcalloc(1, sizeof(*c));
    c->h = h;
    c->on_done = on_done;
    c->context = context;
    c->next = h->calls;
    if (h->calls != NULL)
        h->calls->previous = c;
    h->calls = c;
    copy_request(c, q);
    http_response_init(&c->response);
    c->easy = take_handle(h);
    c->transfer = (struct transfer){
        .easy = c->easy, .q = &c->request, .r = &c->response, .is_cancelled = &c->is_cancelled};
    curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c);
    curl_easy_setopt(c->easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)SEND_BUFFER);
    curl_easy_setopt(c->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    set_idle_limit(c);
    int begun = transfer_begin(&c->transfer, h->tls, &c->begin_error);
    /* libcurl has a copy in its headers; the caller may free them. */
    c->request.bearer = c->request.authorization = NULL;
    if (begun < 0) {
        loop_timer_set(h->deferred, 0);
        return c;
    }
    c->is_added = true;
    curl_multi_add_handle(h->multi, c->easy);
    return c;
}

void http_call_cancel(struct http_call *c)
{
    if (c == NULL)
        return;
    c->is_cancelled = true;
    /* This may run inside libcurl or the loop over finished calls, so the call is removed later. */
    loop_timer_set(c->h->deferred, 0);
}
