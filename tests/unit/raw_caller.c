#include "raw_caller.h"

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

static void say_more(struct raw_caller *c, SSL *ssl)
{
    char piece[PIECE_MAX];
    memset(piece, '1', sizeof(piece));
    while (c->piece > 0 && c->sent < ENDLESS_BYTES && SSL_write(ssl, piece, (int)c->piece) > 0) {
        c->sent += c->piece;
        nanosleep(&(struct timespec){.tv_nsec = c->pause_us * 1000}, NULL);
    }
}

static void call_over_tls(struct raw_caller *c, int fd)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    if (SSL_connect(ssl) == 1 && SSL_write(ssl, c->text, (int)strlen(c->text)) > 0)
        say_more(c, ssl);
    SSL_free(ssl);
    SSL_CTX_free(context);
}

static void call_plainly(struct raw_caller *c, int fd)
{
    size_t length = 0;
    ssize_t n;
    struct timeval silence = {.tv_usec = 300 * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof(silence));
    if (write(fd, c->text, strlen(c->text)) < 0)
        return;
    while ((n = read(fd, c->answer + length, sizeof(c->answer) - 1 - length)) > 0)
        length += (size_t)n;
}

static void *call_in_thread(void *context)
{
    struct raw_caller *c = context;
    struct sockaddr_in there = {
        .sin_family = AF_INET, .sin_port = htons(c->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&there, sizeof(there)) == 0)
        (c->is_plain ? call_plainly : call_over_tls)(c, fd);
    close(fd);
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
