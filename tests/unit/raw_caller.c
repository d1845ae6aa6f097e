#include "raw_caller.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/ssl.h>

#include "os/loop.h"

#include "base/banned.h"

/* Of one call. */
struct line {
    struct raw_caller *caller;
    int fd;
    SSL *ssl; /* NULL: plain */
    int silent[SILENT_MAX];
    size_t silent_count;
};

static int dial(const struct raw_caller *c)
{
    struct sockaddr_in there = {
        .sin_family = AF_INET, .sin_port = htons(c->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int patience_ms = c->patience_ms > 0 ? c->patience_ms : 300;
    struct timeval silence = {.tv_sec = patience_ms / 1000, .tv_usec = patience_ms % 1000 * 1000};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof(silence));
    if (connect(fd, (struct sockaddr *)&there, sizeof(there)) == 0)
        return fd;
    close(fd);
    return -1;
}

static int say(const struct line *l, const char *text, size_t length)
{
    return l->ssl != NULL ? SSL_write(l->ssl, text, (int)length) : (int)write(l->fd, text, length);
}

static void listen_to_answer(const struct line *l)
{
    char *answer = l->caller->answer;
    size_t length = 0;
    for (int n = 1; n > 0; length += n > 0 ? (size_t)n : 0) {
        size_t room = ANSWER_MAX - 1 - length;
        n = l->ssl != NULL ? SSL_read(l->ssl, answer + length, (int)room)
                           : (int)read(l->fd, answer + length, room);
    }
}

static void say_more(const struct line *l)
{
    struct raw_caller *c = l->caller;
    char piece[PIECE_MAX];
    memset(piece, '1', sizeof(piece));
    while (c->sent < ENDLESS_BYTES && say(l, piece, c->piece) > 0) {
        c->sent += c->piece;
        nanosleep(&(struct timespec){.tv_nsec = c->pause_us * 1000}, NULL);
    }
}

static void open_silent(struct line *l, size_t count)
{
    while (count-- > 0)
        l->silent[l->silent_count++] = dial(l->caller);
}

static void converse(struct line *l)
{
    struct raw_caller *c = l->caller;
    size_t length = strlen(c->text);
    if (length > 0 && say(l, c->text, length) <= 0)
        return;
    open_silent(l, c->silent_after);
    (c->piece > 0 ? say_more : listen_to_answer)(l);
}

static void converse_over_tls(struct line *l)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    l->ssl = SSL_new(context);
    SSL_set_fd(l->ssl, l->fd);
    if (SSL_connect(l->ssl) == 1)
        converse(l);
    SSL_free(l->ssl);
    SSL_CTX_free(context);
}

static void hang_up_silent(struct line *l)
{
    char byte;
    for (size_t i = 0; i < l->silent_count; i++) {
        if (recv(l->silent[i], &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN)
            l->caller->silent_left++;
        close(l->silent[i]);
    }
}

static void *call_in_thread(void *context)
{
    struct raw_caller *c = context;
    struct line l = {.caller = c};
    open_silent(&l, c->silent_before);
    l.fd = dial(c);
    if (l.fd >= 0)
        (c->is_plain ? converse : converse_over_tls)(&l);
    close(l.fd);
    hang_up_silent(&l);
    loop_wake(c->done);
    return NULL;
}

static void on_called(void *context)
{
    struct raw_caller *c = context;
    loop_stop(c->loop, 0);
}

void raw_call(struct raw_caller *c, struct loop *loop)
{
    pthread_t thread;
    c->loop = loop;
    c->done = loop_add_wake(loop, on_called, c);
    assert_int_equal(pthread_create(&thread, NULL, call_in_thread, c), 0);
    loop_run(loop);
    pthread_join(thread, NULL);
    loop_source_free(c->done);
}
