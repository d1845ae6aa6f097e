/* The HTTP server over TLS, asked by our own client on the same loop, and by callers that are none. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "key_pair.h"
#include "net/http_loop.h"
#include "net/httpd.h"
#include "net/httpd_tls.h"
#include "os/loop.h"
#include "raw_caller.h"

#include "base/banned.h"

enum { BODY_MOST = 1000, GIVE_UP_MS = 10 * 1000, REQUEST_MS = 1000, FIRST_PORT = 20000, PORTS = 10000 };
enum { CONNECTIONS = 32, TEXT_CONNECTIONS = 64 /* of httpd_new */ };

static uint16_t port;
static char address[32], url[64];

/* ---- a server that answers later, and one request to it ---- */
struct exchange {
    struct loop *loop;
    struct key_pair pair;
    struct httpd_tls *tls;
    struct httpd *server;
    struct loop_source *later, *give_up;
    struct http_call *request;
    struct httpd_call *call;
    bool is_mute; /* never answers */
    int request_ms, answer_ms;
    bool is_answered;
    bool is_post;
    char *path, *bearer, *body;
    int status;
    char *answer, *retry_after;
    enum err_code code;
};

static void answer_later(void *context)
{
    struct exchange *x = context;
    httpd_answer(x->call, 503, "application/json", view_from("{}"), 7);
    x->is_answered = true;
    if (x->answer_ms > x->request_ms) /* nobody waits for it */
        loop_stop(x->loop, 0);
}

static void on_call(void *context, struct httpd_call *call)
{
    struct exchange *x = context;
    x->call = call;
    x->is_post = httpd_call_is_post(call);
    x->path = xstrdup(httpd_call_path(call));
    x->bearer = view_dup(httpd_call_bearer(call));
    x->body = view_dup(httpd_call_body(call));
    if (x->is_mute)
        loop_stop(x->loop, 0);
    else
        loop_timer_set(x->later, x->answer_ms);
}

static void on_done(void *context, const struct http_response *r, const struct err *e)
{
    struct exchange *x = context;
    x->code = e == NULL ? ERR_NONE : e->code;
    x->status = r->status;
    x->answer = xstrdup(strbuf_text(&r->body));
    x->retry_after = view_dup(http_response_header(r, "retry-after"));
    loop_stop(x->loop, 0);
}

static void give_up(void *context)
{
    (void)context;
    fail_msg("no answer");
}

static int open_for(void **state, int request_ms)
{
    static struct exchange fixture;
    struct exchange *x = *state = &fixture;
    struct err e = {0};
    *x = (struct exchange){.loop = loop_new(),
                           .pair = key_pair_make(),
                           .tls = httpd_tls_new(),
                           .request_ms = request_ms,
                           .answer_ms = 10};
    x->later = loop_add_timer(x->loop, answer_later, x);
    x->give_up = loop_add_timer(x->loop, give_up, x);
    loop_timer_set(x->give_up, GIVE_UP_MS);
    x->server = httpd_open(x->loop,
                           &(struct httpd_service){.address = address,
                                                   .tls = x->tls,
                                                   .max_body_bytes = BODY_MOST,
                                                   .request_ms = request_ms,
                                                   .max_connections = CONNECTIONS,
                                                   .fn = on_call,
                                                   .context = x},
                           &e);
    assert_non_null(x->server);
    return 0;
}

static int open_without_keys(void **state)
{
    return open_for(state, REQUEST_MS);
}

static int set_keys(struct exchange *x)
{
    struct err e = {0};
    return httpd_tls_set(x->tls, x->pair.cert, &x->pair.key, &e);
}

static int open_server(void **state)
{
    return open_for(state, REQUEST_MS) == 0 ? set_keys(*state) : -1;
}

/* Nobody's time is over before the test's. */
static int open_patient_server(void **state)
{
    return open_for(state, 2 * GIVE_UP_MS) == 0 ? set_keys(*state) : -1;
}

static void forget(struct exchange *x)
{
    free(x->path);
    free(x->bearer);
    free(x->body);
    free(x->answer);
    free(x->retry_after);
    x->path = x->bearer = x->body = x->answer = x->retry_after = NULL;
}

static int close_server(void **state)
{
    struct exchange *x = *state;
    forget(x);
    httpd_free(x->server);
    httpd_tls_free(x->tls);
    key_pair_fini(&x->pair);
    loop_source_free(x->later);
    loop_source_free(x->give_up);
    loop_free(x->loop);
    return 0;
}

static void ask(struct exchange *x, const char *trusted, size_t body_bytes)
{
    struct http_tls tls = {.ca_pem = trusted};
    struct secret bearer = {.bytes = NULL};
    char *body = xcalloc(body_bytes + 1, 1);
    memset(body, 'x', body_bytes);
    secret_copy(&bearer, "token", 5);
    forget(x);
    struct http_loop *client = http_loop_new(x->loop, &tls);
    x->request = http_start(client,
                            &(struct http_request){.method = "POST",
                                                   .url = url,
                                                   .bearer = &bearer,
                                                   .body = view_of(body, body_bytes),
                                                   .bypass_proxy = true},
                            on_done, x);
    loop_run(x->loop);
    http_loop_free(client);
    secret_free(&bearer);
    free(body);
}

/* ---- tests ---- */
static void gives_the_request_and_takes_an_answer_that_comes_later(void **state)
{
    struct exchange *x = *state;
    ask(x, x->pair.cert, 3);
    assert_int_equal(x->code, ERR_NONE);
    assert_int_equal(x->status, 503);
    assert_string_equal(x->retry_after, "7");
    assert_string_equal(x->answer, "{}");
    assert_true(x->is_post);
    assert_string_equal(x->path, "/v1/report");
    assert_string_equal(x->bearer, "token");
    assert_string_equal(x->body, "xxx");
}

static void refuses_a_body_over_the_limit(void **state)
{
    struct exchange *x = *state;
    ask(x, x->pair.cert, BODY_MOST);
    assert_int_equal(x->status, 503);
    ask(x, x->pair.cert, BODY_MOST + 1);
    assert_int_equal(x->status, 413);
    assert_null(x->path);
}

static void shows_new_keys_to_new_connections(void **state)
{
    struct exchange *x = *state;
    struct key_pair other = key_pair_make();
    struct err e = {0};
    ask(x, other.cert, 1);
    assert_int_equal(x->code, ERR_PROTOCOL);
    assert_int_equal(httpd_tls_set(x->tls, other.cert, &other.key, &e), 0);
    ask(x, other.cert, 1);
    assert_int_equal(x->code, ERR_NONE);
    key_pair_fini(&other);
}

static void keeps_its_keys_when_new_ones_make_no_pair(void **state)
{
    struct exchange *x = *state;
    struct key_pair other = key_pair_make();
    struct err e = {0};
    assert_int_equal(httpd_tls_set(x->tls, other.cert, &x->pair.key, &e), -1);
    assert_int_equal(e.code, ERR_INVALID);
    err_fini(&e);
    assert_int_equal(httpd_tls_set(x->tls, "no certificate", &x->pair.key, &e), -1);
    err_fini(&e);
    ask(x, x->pair.cert, 1);
    assert_int_equal(x->code, ERR_NONE);
    key_pair_fini(&other);
}

static void refuses_handshakes_without_keys(void **state)
{
    struct exchange *x = *state;
    ask(x, x->pair.cert, 1);
    assert_int_equal(x->code, ERR_UNAVAILABLE);
}

static void may_be_freed_with_a_call_unanswered(void **state)
{
    struct exchange *x = *state;
    struct http_tls tls = {.ca_pem = x->pair.cert};
    struct http_loop *client = http_loop_new(x->loop, &tls);
    x->request = http_start(client, &(struct http_request){.method = "GET", .url = url, .bypass_proxy = true},
                            on_done, x);
    x->is_mute = true;
    loop_run(x->loop);
    assert_string_equal(x->path, "/v1/report");
    http_loop_free(client);
}

static void a_request_that_dribbles_is_ended(void **state)
{
    struct exchange *x = *state;
    struct raw_caller slow = {
        .port = port, .text = "GET / HTTP/1.1\r\nHost: a\r\nX: ", .piece = 1, .pause_us = 20 * 1000};
    raw_call(&slow, x->loop);
    assert_true(slow.sent > 0);
    /* Whoever comes after an answer has as much time again. */
    ask(x, x->pair.cert, 3);
    assert_int_equal(x->status, 503);
}

static void an_answer_that_comes_too_late_goes_nowhere(void **state)
{
    struct exchange *x = *state;
    x->answer_ms = REQUEST_MS + 200;
    ask(x, x->pair.cert, 3);
    assert_int_equal(x->code, ERR_UNAVAILABLE);
    assert_false(x->is_answered);
    loop_run(x->loop);
    assert_true(x->is_answered);
}

static void what_has_no_end_is_not_read_on(void **state)
{
    struct exchange *x = *state;
    struct raw_caller flood = {.port = port,
                               .text = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
                               .piece = PIECE_MAX};
    raw_call(&flood, x->loop);
    /* The kernel takes some before the server does. */
    assert_in_range(flood.sent, 1, ENDLESS_BYTES / 2);
}

static int say_hello(void *context, const char *path, struct strbuf *body)
{
    (void)context;
    (void)path;
    strbuf_add_text(body, "hello\n");
    return 200;
}

static void the_answer_to_head_has_no_body(void **state)
{
    struct err e = {0};
    struct loop *loop = loop_new();
    struct raw_caller c = {.port = port,
                           .is_plain = true,
                           .text = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"};
    (void)state;
    struct httpd *server = httpd_new(loop, address, say_hello, NULL, &e);
    assert_non_null(server);
    raw_call(&c, loop);
    char *first_body = strstr(c.answer, "\r\n\r\n");
    assert_non_null(first_body);
    assert_memory_equal(first_body + 4, "HTTP/1.1 200", 12);
    assert_string_equal(strstr(first_body + 4, "\r\n\r\n"), "\r\n\r\nhello\n");
    *first_body = '\0';
    assert_non_null(strstr(c.answer, "Content-Length: 6"));
    httpd_free(server);
    loop_free(loop);
}

static const char QUESTION[] = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

static void connections_that_say_nothing_make_room_for_others(void **state)
{
    struct err e = {0};
    struct loop *loop = loop_new();
    struct raw_caller c = {.port = port,
                           .is_plain = true,
                           .text = QUESTION,
                           .silent_before = 2 * TEXT_CONNECTIONS,
                           .patience_ms = GIVE_UP_MS};
    (void)state;
    struct httpd *server = httpd_new(loop, address, say_hello, NULL, &e);
    assert_non_null(server);
    raw_call(&c, loop);
    assert_memory_equal(c.answer, "HTTP/1.1 200", 12);
    assert_in_range(c.silent_left, 1, TEXT_CONNECTIONS);
    httpd_free(server);
    loop_free(loop);
}

static void connections_that_say_nothing_make_room_over_tls(void **state)
{
    struct exchange *x = *state;
    struct raw_caller c = {
        .port = port, .text = QUESTION, .silent_before = 2 * CONNECTIONS, .patience_ms = GIVE_UP_MS};
    raw_call(&c, x->loop);
    assert_memory_equal(c.answer, "HTTP/1.1 503", 12);
    assert_in_range(c.silent_left, 1, CONNECTIONS);
}

static void nobody_is_sent_away_who_waits_for_an_answer(void **state)
{
    struct exchange *x = *state;
    struct raw_caller c = {
        .port = port, .text = QUESTION, .silent_after = 2 * CONNECTIONS, .patience_ms = GIVE_UP_MS};
    x->answer_ms = 1500;
    raw_call(&c, x->loop);
    assert_memory_equal(c.answer, "HTTP/1.1 503", 12);
    assert_in_range(c.silent_left, 1, 2 * CONNECTIONS - 1); /* some of the others were */
}

static void nobody_is_sent_away_who_came_just_now(void **state)
{
    struct exchange *x = *state;
    struct raw_caller c = {
        .port = port, .is_plain = true, .silent_before = 2 * CONNECTIONS, .text = "", .patience_ms = 500};
    raw_call(&c, x->loop);
    assert_int_equal(c.silent_left, 2 * CONNECTIONS);
}

#define TEST(name)         cmocka_unit_test_setup_teardown(name, open_server, close_server)
#define PATIENT_TEST(name) cmocka_unit_test_setup_teardown(name, open_patient_server, close_server)

int main(void)
{
    struct err e = {0};
    const struct CMUnitTest tests[] = {
        TEST(gives_the_request_and_takes_an_answer_that_comes_later),
        TEST(refuses_a_body_over_the_limit),
        TEST(shows_new_keys_to_new_connections),
        TEST(keeps_its_keys_when_new_ones_make_no_pair),
        cmocka_unit_test_setup_teardown(refuses_handshakes_without_keys, open_without_keys, close_server),
        TEST(may_be_freed_with_a_call_unanswered),
        TEST(a_request_that_dribbles_is_ended),
        TEST(an_answer_that_comes_too_late_goes_nowhere),
        TEST(what_has_no_end_is_not_read_on),
        PATIENT_TEST(connections_that_say_nothing_make_room_over_tls),
        PATIENT_TEST(nobody_is_sent_away_who_waits_for_an_answer),
        PATIENT_TEST(nobody_is_sent_away_who_came_just_now),
        cmocka_unit_test(connections_that_say_nothing_make_room_for_others),
        cmocka_unit_test(the_answer_to_head_has_no_body),
    };
    signal(SIGPIPE, SIG_IGN);
    /* Test programs of several trees may run at once. */
    port = (uint16_t)(FIRST_PORT + (int)getpid() % PORTS);
    (void)snprintf(address, sizeof(address), "127.0.0.1:%d", port);
    (void)snprintf(url, sizeof(url), "https://%s/v1/report?x=1", address);
    if (secret_process_init(&e) < 0 || http_global_init(&e) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
