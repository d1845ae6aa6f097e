#include "net/http_session.h"

#include "base/alloc.h"
#include "net/http_int.h"
#include "os/loop.h"

#include "base/banned.h"

/* libcurl calls on_progress at least once a second, unless a callback of ours blocks or the process does not
 * run. Any time beyond this was not spent waiting for the network. */
enum { WAIT_MAX_MS = 1500 };

/* Detects a stalled transfer: how long it has waited for the network since it last made progress. */
struct stall_timer {
    struct transfer *transfer;
    int64_t limit_ms;
    int64_t last_call_ms; /* boot clock */
    int64_t waited_ms;
    curl_off_t bytes; /* moved when it last made progress */
    bool has_stalled;
};

struct http_session {
    CURL *easy;
    const struct http_tls *tls; /* borrowed; NULL: system trust */
    size_t buffer_bytes;
};

static struct {
    void (*fn)(void *context, const struct http_observation *o);
    void *context;
} observer;

void http_observe(void (*fn)(void *context, const struct http_observation *o), void *context)
{
    observer.fn = fn;
    observer.context = context;
}

static void notify_observer(const struct http_session *s, const struct http_request *q, int status)
{
    curl_off_t sent = 0, received = 0, duration_us = 0;
    if (observer.fn == NULL)
        return;
    curl_easy_getinfo(s->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    curl_easy_getinfo(s->easy, CURLINFO_SIZE_DOWNLOAD_T, &received);
    curl_easy_getinfo(s->easy, CURLINFO_TOTAL_TIME_T, &duration_us);
    observer.fn(observer.context, &(struct http_observation){.url = q->url,
                                                             .status = status,
                                                             .sent_bytes = (uint64_t)sent,
                                                             .received_bytes = (uint64_t)received,
                                                             .duration_us = duration_us});
}

struct http_session *http_session_new(const struct http_tls *tls)
{
    struct http_session *s = xcalloc(1, sizeof(*s));
    s->tls = tls;
    s->easy = curl_easy_init();
    if (s->easy == NULL)
        abort();
    return s;
}

void http_session_free(struct http_session *s)
{
    if (s == NULL)
        return;
    curl_easy_cleanup(s->easy);
    free(s);
}

void http_session_set_buffer(struct http_session *s, size_t bytes)
{
    s->buffer_bytes = bytes;
}

/* Returns the bytes moved since the last progress. A smaller total than before means that libcurl has started
 * over on another connection. */
static curl_off_t stall_timer_update(struct stall_timer *s, curl_off_t bytes)
{
    curl_off_t more = bytes - s->bytes;
    int64_t now_ms = clock_boot_ms(), passed_ms = now_ms - s->last_call_ms;
    s->last_call_ms = now_ms;
    s->waited_ms += passed_ms < WAIT_MAX_MS ? passed_ms : WAIT_MAX_MS;
    if (more >= 0 && more < HTTP_PROGRESS_BYTES)
        return more;
    s->bytes = bytes;
    s->waited_ms = 0;
    return 0;
}

/* libcurl's progress callback; a result other than 0 ends the transfer. */
static int on_progress(void *context, curl_off_t to_receive, curl_off_t received, curl_off_t to_send,
                       curl_off_t sent)
{
    struct stall_timer *s = context;
    struct transfer *t = s->transfer;
    curl_off_t more = stall_timer_update(s, received + sent);
    bool is_complete = to_receive > 0 && received >= to_receive;
    (void)to_send;
    if (is_complete || t->error.code != ERR_NONE)
        return 0;
    if (t->q->is_cancelled != NULL && atomic_load(t->q->is_cancelled)) {
        err_set(&t->error, ERR_CANCELLED, NULL, "cancelled");
        return 1;
    }
    if (s->limit_ms < 0 || s->waited_ms < s->limit_ms)
        return 0;
    s->has_stalled = true;
    err_set(&t->error, ERR_TIMED_OUT, transfer_label(t),
            "%s %s: the server has stalled: %lld bytes were sent or received in %lld seconds", t->q->method,
            transfer_label(t), (long long)more, (long long)(s->waited_ms / 1000));
    return 1;
}

static void set_stall_timer(struct stall_timer *s)
{
    CURL *easy = s->transfer->easy;
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, s);
}

int http_perform(struct http_session *s, const struct http_request *q, struct http_response *r, struct err *e)
{
    struct transfer t = {.easy = s->easy, .q = q, .r = r};
    struct stall_timer timer = {
        .transfer = &t, .limit_ms = transfer_idle_ms(&t), .last_call_ms = clock_boot_ms()};
    /* Clears the options of the last request; connections and TLS sessions are kept. */
    curl_easy_reset(s->easy);
    curl_easy_setopt(s->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    if (s->buffer_bytes > 0)
        curl_easy_setopt(s->easy, CURLOPT_BUFFERSIZE, (long)s->buffer_bytes);
    if (transfer_begin(&t, s->tls, e) < 0)
        return -1;
    set_stall_timer(&timer);
    CURLcode code = curl_easy_perform(s->easy);
    bool is_ours = t.error.code != ERR_NONE && !timer.has_stalled; /* a callback ended the transfer */
    int result = transfer_end(&t, code, e);
    notify_observer(s, q, result < 0 && !is_ours ? 0 : r->status);
    return result;
}
