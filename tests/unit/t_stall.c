/* Servers that answer slowly, for ever or never: what is waited for, and how long. */
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "net/http_session.h"
#include "os/loop.h"

#include "base/banned.h"

enum { IDLE_MS = 1000, ENDLESS = INT32_MAX, UPLOAD_BYTES = 64 * 1024 * 1024 };

#define HEAD(length) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n"

/* Takes one connection, in a thread of its own: says the head, then the piece again and again. */
struct server {
    const char *head, *piece;
    int count; /* pieces */
    int pause_ms;
    bool is_deaf; /* reads nothing and says nothing */
    int listener;
    atomic_int connection;
    char *url;
    pthread_t thread;
};

static void pause_for(int ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

static bool say(int fd, const char *text)
{
    return send(fd, text, strlen(text), MSG_NOSIGNAL) > 0;
}

static void *serve(void *context)
{
    struct server *s = context;
    char request[4096];
    int fd = accept(s->listener, NULL, NULL);
    atomic_store(&s->connection, fd);
    struct pollfd hung_up = {.fd = fd, .events = POLLRDHUP};
    if (!s->is_deaf && recv(fd, request, sizeof(request), 0) > 0 && (*s->head == '\0' || say(fd, s->head)))
        for (int i = 0; i < s->count && say(fd, s->piece); i++)
            pause_for(i + 1 < s->count ? s->pause_ms : 0);
    (void)poll(&hung_up, 1, -1);
    close(fd);
    return NULL;
}

static void server_start(struct server *s)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(s->listener, 1), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&address, &size), 0);
    s->url = xasprintf("http://127.0.0.1:%u/object", ntohs(address.sin_port));
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void note_status(void *context, const struct http_observation *o)
{
    int *status = context;
    *status = o->status;
}

/* What comes of a request to that server; *ret_status is what observers are told. */
static int perform(struct server *s, struct http_request q, int *ret_status, struct err *e)
{
    struct http_response r;
    struct http_session *session = http_session_new(NULL);
    server_start(s);
    http_response_init(&r);
    http_observe(note_status, ret_status);
    q.url = s->url;
    q.idle_timeout_ms = q.idle_timeout_ms != 0 ? q.idle_timeout_ms : IDLE_MS;
    int result = http_perform(session, &q, &r, e);
    http_observe(NULL, NULL);
    http_response_fini(&r);
    http_session_free(session);
    shutdown(atomic_load(&s->connection), SHUT_RDWR); /* what nobody reads hides that we have hung up */
    pthread_join(s->thread, NULL);
    close(s->listener);
    free(s->url);
    return result;
}

static void must_stall(struct server s, struct http_request q)
{
    struct err e CLEANUP(err_fini) = {0};
    int status = -1;
    int64_t began_ms = clock_boot_ms();
    assert_int_equal(perform(&s, q, &status, &e), -1);
    assert_int_equal(e.code, ERR_TIMED_OUT);
    assert_int_equal(status, 0);
    char *text CLEANUP(cleanup_free) = err_text(&e);
    assert_non_null(strstr(text, "http://127.0.0.1:"));
    assert_non_null(strstr(text, "the server has stalled"));
    assert_true(clock_boot_ms() - began_ms < 10 * IDLE_MS);
}

static void a_body_that_trickles_has_stalled(void **state)
{
    (void)state;
    must_stall(
        (struct server){.head = HEAD("99999"), .piece = "0123456789", .count = ENDLESS, .pause_ms = 20},
        (struct http_request){.method = "GET"});
}

static void a_head_that_trickles_has_stalled(void **state)
{
    (void)state;
    must_stall(
        (struct server){.head = "HTTP/1.1 200 OK\r\nX: ", .piece = "x", .count = ENDLESS, .pause_ms = 20},
        (struct http_request){.method = "GET"});
}

static int give_zeros(void *context, void *out, size_t capacity, size_t *ret_length, struct err *e)
{
    (void)context;
    (void)e;
    memset(out, 0, capacity);
    *ret_length = capacity;
    return 0;
}

static void an_upload_that_nobody_reads_has_stalled(void **state)
{
    (void)state;
    must_stall((struct server){.is_deaf = true},
               (struct http_request){.method = "PUT", .body_length = UPLOAD_BYTES, .read_body = give_zeros});
}

static void what_is_slow_and_steady_has_not_stalled(void **state)
{
    char piece[8192 + 1];
    struct server s = {.head = HEAD("98304"), .piece = piece, .count = 12, .pause_ms = 150};
    struct err e CLEANUP(err_fini) = {0};
    int status = -1;
    (void)state;
    memset(piece, 'x', sizeof(piece) - 1);
    piece[sizeof(piece) - 1] = '\0';
    assert_int_equal(perform(&s, (struct http_request){.method = "GET"}, &status, &e), 0);
    assert_int_equal(status, 200);
}

static int take_long(void *context, const void *bytes, size_t length, struct err *e)
{
    size_t *taken = context;
    (void)bytes;
    (void)e;
    if (*taken == 0)
        pause_for(3 * IDLE_MS);
    *taken += length;
    return 0;
}

static void the_time_that_a_callback_takes_is_no_stall(void **state)
{
    struct server s = {.head = HEAD("20"), .piece = "0123456789", .count = 2, .pause_ms = 3300};
    struct err e CLEANUP(err_fini) = {0};
    size_t taken = 0;
    int status = -1;
    struct http_request q = {
        .method = "GET", .on_body = take_long, .context = &taken, .idle_timeout_ms = 2000};
    (void)state;
    assert_int_equal(perform(&s, q, &status, &e), 0);
    assert_int_equal(taken, 20);
}

static void a_head_without_end_is_refused(void **state)
{
    static const struct server servers[] = {
        {.head = "HTTP/1.1 200 OK\r\n", .piece = "X-More: of the same\r\n", .count = ENDLESS},
        {.head = "", .piece = "HTTP/1.1 100 Continue\r\n\r\n", .count = ENDLESS},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(servers); i++) {
        struct server s = servers[i];
        struct err e CLEANUP(err_fini) = {0};
        int status = -1;
        assert_int_equal(perform(&s, (struct http_request){.method = "GET"}, &status, &e), -1);
        assert_int_equal(e.code, ERR_PROTOCOL);
        assert_non_null(strstr(e.text, "headers of the response"));
    }
}

static void an_error_page_without_end_is_an_answer(void **state)
{
    struct server s = {.head = "HTTP/1.1 503 Busy\r\n\r\n", .piece = "<p>Try again.</p>", .count = ENDLESS};
    struct err e CLEANUP(err_fini) = {0};
    int status = -1;
    (void)state;
    assert_int_equal(perform(&s, (struct http_request){.method = "GET"}, &status, &e), 0);
    assert_int_equal(status, 503);
}

static int set_up(void **state)
{
    struct err e CLEANUP(err_fini) = {0};
    (void)state;
    return secret_process_init(&e) < 0 || http_global_init(&e) < 0 ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_that_trickles_has_stalled),
        cmocka_unit_test(a_head_that_trickles_has_stalled),
        cmocka_unit_test(an_upload_that_nobody_reads_has_stalled),
        cmocka_unit_test(what_is_slow_and_steady_has_not_stalled),
        cmocka_unit_test(the_time_that_a_callback_takes_is_no_stall),
        cmocka_unit_test(a_head_without_end_is_refused),
        cmocka_unit_test(an_error_page_without_end_is_an_answer),
    };
    return cmocka_run_group_tests_name("stall", tests, set_up, NULL);
}
