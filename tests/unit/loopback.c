#include "loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"

#include "base/banned.h"

enum { REQUEST_MAX = 64 * 1024 * 1024 };

#define TOKEN "{\"access_token\":\"loopback\",\"expires_in\":3600,\"token_type\":\"Bearer\"}"

struct loopback {
    void (*handle)(void *context, struct exchange *x);
    void *context;
    int listener;
    char *url;
    struct credentials *credentials;
    pthread_t thread;
};

struct view exchange_header(const struct exchange *x, const char *name)
{
    struct view rest = x->headers, value;
    size_t length = strlen(name);
    while (rest.len > 0) {
        struct view line = view_cut(rest, '\n', &rest);
        struct view key = view_cut(line, ':', &value);
        if (key.len == length && strncasecmp(key.ptr, name, length) == 0)
            return view_trim(value);
    }
    return view_of("", 0);
}

static bool send_all(int fd, struct view bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        bytes = view_skip(bytes, (size_t)n);
    }
    return true;
}

static bool receive(int fd, struct strbuf *text)
{
    char piece[65536];
    ssize_t n = recv(fd, piece, sizeof(piece), 0);
    strbuf_add(text, piece, n > 0 ? (size_t)n : 0);
    return n > 0;
}

/* The whole request in *text; x borrows from it. False when the client has hung up. */
static bool read_request(int fd, struct strbuf *text, struct exchange *x)
{
    const char *end;
    uint64_t length = 0;
    while ((end = strstr(strbuf_text(text), "\r\n\r\n")) == NULL)
        if (!receive(fd, text))
            return false;
    size_t head = (size_t)(end - strbuf_text(text)) + 4;
    x->headers = view_of(text->data, head);
    (void)view_to_u64(exchange_header(x, "Content-Length"), &length);
    if (exchange_header(x, "Expect").len > 0 && text->len < head + length)
        (void)send_all(fd, VIEW_LITERAL("HTTP/1.1 100 Continue\r\n\r\n"));
    while (text->len < head + length)
        if (!receive(fd, text))
            return false;
    struct view first = view_cut(view_of(text->data, head), '\r', &x->headers), rest;
    x->method = view_dup(view_cut(first, ' ', &rest));
    x->target = view_dup(view_cut(rest, ' ', &rest));
    x->body = view_of(text->data + head, (size_t)length);
    return true;
}

static void send_reply(int fd, const struct exchange *x)
{
    struct strbuf head = STRBUF(65536);
    strbuf_addf(&head, "HTTP/1.1 %d Said\r\nConnection: close\r\nContent-Length: %zu\r\n", x->status,
                x->reply.len);
    strbuf_add_view(&head, strbuf_view(&x->reply_headers));
    strbuf_add_text(&head, "\r\n");
    if (send_all(fd, strbuf_view(&head)))
        (void)send_all(fd, view_of(x->reply.data, x->cut > 0 ? x->cut : x->reply.len));
    strbuf_fini(&head);
}

static void answer(struct loopback *s, int fd)
{
    struct strbuf text = STRBUF(REQUEST_MAX);
    struct exchange x = {.status = 404, .reply_headers = STRBUF(65536), .reply = STRBUF(REQUEST_MAX)};
    if (read_request(fd, &text, &x)) {
        if (view_has_prefix(view_from(x.target), "/computeMetadata/")) {
            x.status = 200;
            strbuf_add_text(&x.reply, TOKEN);
        } else {
            s->handle(s->context, &x);
        }
        if (x.is_stalled)
            (void)poll(&(struct pollfd){.fd = fd, .events = POLLRDHUP}, 1, -1);
        else if (x.raw != NULL)
            (void)send_all(fd, view_from(x.raw));
        else if (!x.is_lost)
            send_reply(fd, &x);
    }
    free(x.method);
    free(x.target);
    strbuf_fini(&x.reply_headers);
    strbuf_fini(&x.reply);
    strbuf_fini(&text);
}

static void *serve(void *context)
{
    struct loopback *s = context;
    int fd;
    while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
        answer(s, fd);
        close(fd);
    }
    return NULL;
}

struct loopback *loopback_start(void (*handle)(void *context, struct exchange *x), void *context)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    struct loopback *s = xcalloc(1, sizeof(*s));
    s->handle = handle;
    s->context = context;
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(s->listener, 64), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&address, &size), 0);
    s->url = xasprintf("http://127.0.0.1:%u", ntohs(address.sin_port));
    s->credentials = credentials_from_metadata(s->url, &(struct gcp_retry_policy){.total_ms = 0});
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
    return s;
}

void loopback_stop(struct loopback *s)
{
    shutdown(s->listener, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->listener);
    credentials_free(s->credentials);
    free(s->url);
    free(s);
}

const char *loopback_url(const struct loopback *s)
{
    return s->url;
}

struct gcp_config loopback_config(const struct loopback *s)
{
    return (struct gcp_config){.credentials = s->credentials,
                               .kms_url = s->url,
                               .storage_url = s->url,
                               .retry = {.first_ms = 10, .most_ms = 100, .total_ms = 2000, .try_ms = 10000}};
}

int loopback_set_up(void **state)
{
    struct err e CLEANUP(err_fini) = {0};
    (void)state;
    return secret_process_init(&e) < 0 || http_global_init(&e) < 0 ? -1 : 0;
}
