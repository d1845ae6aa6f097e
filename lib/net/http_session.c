#include "base/alloc.h"
#include "net/http_int.h"

#include "base/banned.h"

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

static void tell_observer(const struct http_session *s, const struct http_request *q,
                          const struct http_response *r)
{
    curl_off_t sent = 0, received = 0, duration_us = 0;
    if (observer.fn == NULL)
        return;
    curl_easy_getinfo(s->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    curl_easy_getinfo(s->easy, CURLINFO_SIZE_DOWNLOAD_T, &received);
    curl_easy_getinfo(s->easy, CURLINFO_TOTAL_TIME_T, &duration_us);
    observer.fn(observer.context, &(struct http_observation){.url = q->url,
                                                             .status = r->status,
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

int http_perform(struct http_session *s, const struct http_request *q, struct http_response *r, struct err *e)
{
    struct transfer t = {.easy = s->easy, .q = q, .r = r};
    /* Forgets the options of the last request; connections and TLS sessions stay. */
    curl_easy_reset(s->easy);
    curl_easy_setopt(s->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    if (s->buffer_bytes > 0)
        curl_easy_setopt(s->easy, CURLOPT_BUFFERSIZE, (long)s->buffer_bytes);
    if (transfer_begin(&t, s->tls, e) < 0)
        return -1;
    int result = transfer_end(&t, curl_easy_perform(s->easy), e);
    tell_observer(s, q, r);
    return result;
}
