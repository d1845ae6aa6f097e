/* Addresses that may not be connected to, and what stays out of messages. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "gcp/token_reply.h"
#include "net/http_loop.h"
#include "net/http_session.h"
#include "net/ranges.h"
#include "os/loop.h"

#include "base/banned.h"

static bool is_held(const struct address_ranges *r, const char *text)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    struct sockaddr_storage any = {0};
    if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1) {
        memcpy(&any, &ipv4, sizeof(ipv4));
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &ipv6.sin6_addr), 1);
        memcpy(&any, &ipv6, sizeof(ipv6));
    }
    return ranges_contain(r, (const struct sockaddr *)&any);
}

static void a_range_holds_its_addresses_and_no_others(void **state)
{
    struct address_ranges r CLEANUP(ranges_fini) = {0};
    struct err e CLEANUP(err_fini) = {0};
    (void)state;
    assert_int_equal(ranges_add_list(&r, "10.84.0.0/14, 192.0.2.7, fd00:1::/33", &e), 0);
    assert_int_equal(r.count, 3);
    assert_true(is_held(&r, "10.84.0.0"));
    assert_true(is_held(&r, "10.87.255.255"));
    assert_false(is_held(&r, "10.88.0.0"));
    assert_false(is_held(&r, "10.83.255.255"));
    assert_true(is_held(&r, "192.0.2.7"));
    assert_false(is_held(&r, "192.0.2.6"));
    assert_true(is_held(&r, "fd00:1:7fff::1"));
    assert_false(is_held(&r, "fd00:1:8000::1"));
    assert_false(is_held(&r, "fd00:2::1"));
}

static void ipv4_is_the_same_in_every_disguise(void **state)
{
    struct address_ranges r CLEANUP(ranges_fini) = {0};
    struct err e CLEANUP(err_fini) = {0};
    (void)state;
    assert_int_equal(ranges_add(&r, "169.254.0.0/16", &e), 0);
    assert_true(is_held(&r, "::ffff:169.254.169.254"));
    assert_true(is_held(&r, "64:ff9b::169.254.169.254"));
    assert_true(is_held(&r, "2002:a9fe:a9fe::1"));
    assert_false(is_held(&r, "64:ff9b::8.8.8.8"));
    assert_false(is_held(&r, "2002:808:808::1"));
}

static void everything_and_nothing_are_ranges(void **state)
{
    struct address_ranges none CLEANUP(ranges_fini) = {0}, all CLEANUP(ranges_fini) = {0};
    struct err e CLEANUP(err_fini) = {0};
    (void)state;
    assert_int_equal(ranges_add_list(&none, "", &e), 0);
    assert_int_equal(ranges_add_list(&all, "0.0.0.0/0,::/0", &e), 0);
    assert_false(is_held(&none, "192.0.2.1"));
    assert_true(is_held(&all, "192.0.2.1"));
    assert_true(is_held(&all, "2001:db8::1"));
}

static void what_is_no_range_is_refused_with_its_text(void **state)
{
    static const char *const wrong[] = {"10.0.0.0/33", "10.0.0.1/8",  "10.0.0/8",  "fd00::/129",
                                        "10.0.0.0/",   "10.0.0.0/-1", "localhost", "10.0.0.0/8/8"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct address_ranges r CLEANUP(ranges_fini) = {0};
        struct err e CLEANUP(err_fini) = {0};
        assert_int_equal(ranges_add(&r, wrong[i], &e), -1);
        assert_int_equal(e.code, ERR_INVALID);
        assert_non_null(strstr(e.text, wrong[i]));
        assert_int_equal(r.count, 0);
    }
}

/* ---- connections ---- */

/* A socket that listens and answers nobody. */
static int listen_silently(char **ret_url)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *ret_url = xasprintf("http://localhost:%u/secret-path", ntohs(address.sin_port));
    return fd;
}

static bool was_connected_to(int listener)
{
    struct pollfd p = {.fd = listener, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void ask(const char *url, const struct address_ranges *refused, struct err *e)
{
    struct http_request q = {
        .method = "GET", .url = url, .total_timeout_ms = 300, .refused = refused, .label = "the target"};
    struct http_response r;
    http_response_init(&r);
    struct http_session *s = http_session_new(NULL);
    assert_int_equal(http_perform(s, &q, &r, e), -1);
    http_session_free(s);
    http_response_fini(&r);
}

static void a_refused_address_is_not_connected_to(void **state)
{
    struct address_ranges refused CLEANUP(ranges_fini) = {0}, others CLEANUP(ranges_fini) = {0};
    struct err e CLEANUP(err_fini) = {0}, late CLEANUP(err_fini) = {0};
    char *url CLEANUP(cleanup_free) = NULL;
    int listener = listen_silently(&url);
    (void)state;
    assert_int_equal(ranges_add_list(&refused, "127.0.0.0/8,::1", &e), 0);
    assert_int_equal(ranges_add_list(&others, "10.0.0.0/8", &e), 0);

    ask(url, &refused, &e);
    assert_int_equal(e.code, ERR_DENIED);
    assert_false(was_connected_to(listener));

    ask(url, &others, &late);
    assert_int_equal(late.code, ERR_TIMED_OUT);
    assert_true(was_connected_to(listener));
    close(listener);
}

static void a_secret_url_stays_out_of_errors(void **state)
{
    struct err e CLEANUP(err_fini) = {0};
    char *url CLEANUP(cleanup_free) = NULL;
    int listener = listen_silently(&url);
    (void)state;
    ask(url, NULL, &e);
    char *text CLEANUP(cleanup_free) = err_text(&e);
    assert_non_null(strstr(text, "the target"));
    assert_null(strstr(text, "secret-path"));
    assert_null(strstr(e.object, "secret-path"));
    close(listener);
}

/* ---- on the loop, against a server of a few lines ---- */
struct answer {
    struct loop *loop;
    int listener;
    struct loop_source *connection;
    char got[2048];
};

static void answer_once(void *context, int fd, unsigned events)
{
    static const char OK[] = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
    struct answer *a = context;
    (void)events;
    assert_true(read(fd, a->got, sizeof(a->got) - 1) > 0);
    assert_int_equal(write(fd, OK, sizeof(OK) - 1), (ssize_t)sizeof(OK) - 1);
    loop_source_free(a->connection);
    a->connection = NULL;
    close(fd);
}

static void accept_once(void *context, int fd, unsigned events)
{
    struct answer *a = context;
    (void)events;
    a->connection = loop_add_io(a->loop, accept(fd, NULL, NULL), LOOP_READ, answer_once, a);
}

static void end_loop(void *context, const struct http_response *r, const struct err *e)
{
    struct answer *a = context;
    loop_stop(a->loop, e == NULL ? r->status : 0);
}

static void an_authorization_is_sent_as_it_is(void **state)
{
    char *url CLEANUP(cleanup_free) = NULL;
    struct answer a = {.loop = loop_new(), .listener = listen_silently(&url)};
    struct loop_source *io = loop_add_io(a.loop, a.listener, LOOP_READ, accept_once, &a);
    struct http_loop *http = http_loop_new(a.loop, NULL);
    struct secret value = {0};
    (void)state;
    secret_copy(&value, "Basic b3BzOng=", 14);
    struct http_request q = {.method = "POST", .url = url, .authorization = &value, .body = view_from("{}")};
    const struct http_call *call = http_start(http, &q, end_loop, &a);
    (void)call;
    secret_free(&value); /* it was copied */
    assert_int_equal(loop_run(a.loop), 204);
    assert_non_null(strstr(a.got, "\r\nAuthorization: Basic b3BzOng=\r\n"));
    http_loop_free(http);
    loop_source_free(io);
    loop_free(a.loop);
    close(a.listener);
}

/* Descriptors of this process that are connected to that port and would be passed on to a program it starts.
 */
static int inherited_connections(int listener)
{
    struct sockaddr_in here, peer;
    socklen_t size = sizeof(here);
    int count = 0;
    assert_int_equal(getsockname(listener, (struct sockaddr *)&here, &size), 0);
    for (int fd = 3; fd < 256; fd++) {
        size = sizeof(peer);
        if (getpeername(fd, (struct sockaddr *)&peer, &size) == 0 && peer.sin_port == here.sin_port)
            count += (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0;
    }
    return count;
}

static void count_inherited(void *context, int fd, unsigned events)
{
    const struct answer *a = context;
    (void)events;
    loop_stop(a->loop, inherited_connections(fd));
}

static void a_connection_is_not_passed_on_to_programs(void **state)
{
    char *url CLEANUP(cleanup_free) = NULL;
    struct answer a = {.loop = loop_new(), .listener = listen_silently(&url)};
    struct loop_source *io = loop_add_io(a.loop, a.listener, LOOP_READ, count_inherited, &a);
    struct http_loop *http = http_loop_new(a.loop, NULL);
    (void)state;
    (void)!http_start(http, &(struct http_request){.method = "GET", .url = url}, end_loop, &a);
    assert_int_equal(loop_run(a.loop), 0);
    http_loop_free(http);
    loop_source_free(io);
    loop_free(a.loop);
    close(a.listener);
}

/* Its end is reckoned in milliseconds. */
static void a_token_that_lives_for_ever_is_none(void **state)
{
    static const char *const LIVES[] = {"0", "-1", "\"x\"", "9223372036854775807", "40000000"};
    (void)state;
    for (size_t i = 0; i <= ARRAY_LEN(LIVES); i++) {
        struct secret token CLEANUP(secret_free) = {.bytes = NULL};
        struct err e CLEANUP(err_fini) = {0};
        struct http_response r;
        int64_t until_ms = 0;
        http_response_init(&r);
        r.status = 200;
        strbuf_addf(&r.body, "{\"access_token\":\"t\",\"expires_in\":%s}",
                    i < ARRAY_LEN(LIVES) ? LIVES[i] : "3600");
        enum reply_action action =
            token_reply_read(REPLY_METADATA, "http://metadata/", &r, &token, &until_ms, &e);
        assert_int_equal(action, i < ARRAY_LEN(LIVES) ? REPLY_AGAIN : REPLY_ACCEPT);
        assert_int_equal(e.code, i < ARRAY_LEN(LIVES) ? ERR_PROTOCOL : ERR_NONE);
        http_response_fini(&r);
    }
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
        cmocka_unit_test(a_token_that_lives_for_ever_is_none),
        cmocka_unit_test(a_range_holds_its_addresses_and_no_others),
        cmocka_unit_test(ipv4_is_the_same_in_every_disguise),
        cmocka_unit_test(everything_and_nothing_are_ranges),
        cmocka_unit_test(what_is_no_range_is_refused_with_its_text),
        cmocka_unit_test(a_refused_address_is_not_connected_to),
        cmocka_unit_test(a_secret_url_stays_out_of_errors),
        cmocka_unit_test(an_authorization_is_sent_as_it_is),
        cmocka_unit_test(a_connection_is_not_passed_on_to_programs),
    };
    return cmocka_run_group_tests_name("net", tests, set_up, NULL);
}
