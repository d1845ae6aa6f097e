#include "base/alloc.h"
#include "net/http_int.h"
#include "os/loop.h"

#include "base/banned.h"

/* libcurl looks each second at least, unless a callback of ours holds it up or we do not run: what is above
 * this was no waiting for the network. */
enum { LOOK_MAX_MS = 1500 };

/* How long a transfer has waited since it last got on. */
struct pace {
    struct transfer *transfer;
    int64_t limit_ms;
    int64_t looked_ms; /* boot clock */
    int64_t waited_ms;
    curl_off_t bytes; /* moved when it last got on */
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

static void tell_observer(const struct http_session *s, const struct http_request *q, int status)
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

/* The bytes since it last got on. Fewer than before: libcurl has begun anew, on another connection. */
static curl_off_t pace_update(struct pace *p, curl_off_t bytes)
{
    curl_off_t more = bytes - p->bytes;
    int64_t now_ms = clock_boot_ms(), passed_ms = now_ms - p->looked_ms;
    p->looked_ms = now_ms;
    p->waited_ms += passed_ms < LOOK_MAX_MS ? passed_ms : LOOK_MAX_MS;
    if (more >= 0 && more < HTTP_PROGRESS_BYTES)
        return more;
    p->bytes = bytes;
    p->waited_ms = 0;
    return 0;
}

/* Called whenever libcurl looks; anything but 0 ends the transfer. */
static int on_look(void *context, curl_off_t to_come, curl_off_t received, curl_off_t to_send,
                   curl_off_t sent)
{
    struct pace *p = context;
    struct transfer *t = p->transfer;
    curl_off_t more = pace_update(p, received + sent);
    bool is_all_here = to_come > 0 && received >= to_come;
    (void)to_send;
    if (is_all_here || t->error.code != ERR_NONE)
        return 0;
    if (t->q->is_cancelled != NULL && atomic_load(t->q->is_cancelled)) {
        err_set(&t->error, ERR_CANCELLED, NULL, "cancelled");
        return 1;
    }
    if (p->limit_ms < 0 || p->waited_ms < p->limit_ms)
        return 0;
    p->has_stalled = true;
    err_set(&t->error, ERR_TIMED_OUT, transfer_label(t),
            "%s %s: the server has stalled: %lld bytes were sent or received in %lld seconds", t->q->method,
            transfer_label(t), (long long)more, (long long)(p->waited_ms / 1000));
    return 1;
}

static void set_pace(struct pace *p)
{
    CURL *easy = p->transfer->easy;
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_look);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, p);
}

int http_perform(struct http_session *s, const struct http_request *q, struct http_response *r, struct err *e)
{
    struct transfer t = {.easy = s->easy, .q = q, .r = r};
    struct pace pace = {.transfer = &t, .limit_ms = transfer_idle_ms(&t), .looked_ms = clock_boot_ms()};
    /* Forgets the options of the last request; connections and TLS sessions stay. */
    curl_easy_reset(s->easy);
    curl_easy_setopt(s->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    if (s->buffer_bytes > 0)
        curl_easy_setopt(s->easy, CURLOPT_BUFFERSIZE, (long)s->buffer_bytes);
    if (transfer_begin(&t, s->tls, e) < 0)
        return -1;
    set_pace(&pace);
    CURLcode code = curl_easy_perform(s->easy);
    bool is_broken = code != CURLE_OK && (pace.has_stalled || t.error.code == ERR_NONE);
    int result = transfer_end(&t, code, e);
    tell_observer(s, q, is_broken ? 0 : r->status);
    return result;
}
