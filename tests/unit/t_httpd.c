/* The HTTP server over TLS, asked by our own client on the same loop, and by callers that are none. */
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/alloc.h"
#include "net/http.h"
#include "net/httpd.h"
#include "os/loop.h"

#include "base/banned.h"

enum { BODY_MOST = 1000, GIVE_UP_MS = 10 * 1000, REQUEST_MS = 500, FIRST_PORT = 20000, PORTS = 10000 };

static int port;
static char address[32], url[64];

struct pair {
    char *cert;
    struct secret key;
};

static char *pem_of(BIO *bio)
{
    char *bytes = NULL;
    long length = BIO_get_mem_data(bio, &bytes);
    char *text = xstrndup(bytes, (size_t)length);
    BIO_free(bio);
    return text;
}

/* A certificate for 127.0.0.1 that is its own authority. */
static struct pair make_pair(void)
{
    struct pair p = {.cert = NULL};
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const uint8_t *)"test", -1,
                               -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(cert, names, -1);
    X509_EXTENSION_free(names);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    BIO *out = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(out, cert);
    p.cert = pem_of(out);
    out = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
    char *text = pem_of(out);
    secret_copy(&p.key, text, strlen(text));
    free(text);
    X509_free(cert);
    EVP_PKEY_free(key);
    return p;
}

static void pair_fini(struct pair *p)
{
    free(p->cert);
    secret_free(&p->key);
}

/* ---- a server that answers later, and one request to it ---- */
struct exchange {
    struct loop *loop;
    struct httpd_keys *keys;
    struct httpd *server;
    struct loop_source *later, *give_up;
    struct httpd_call *call;
    bool is_mute; /* never answers */
    int answer_ms;
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
    if (x->answer_ms > REQUEST_MS) /* nobody waits for it */
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

static void exchange_init(struct exchange *x)
{
    struct err e = {0};
    *x = (struct exchange){.loop = loop_new(), .keys = httpd_keys_new(), .answer_ms = 10};
    x->later = loop_add_timer(x->loop, answer_later, x);
    x->give_up = loop_add_timer(x->loop, give_up, x);
    loop_timer_set(x->give_up, GIVE_UP_MS);
    x->server = httpd_open(x->loop,
                           &(struct httpd_service){.address = address,
                                                   .keys = x->keys,
                                                   .max_body_bytes = BODY_MOST,
                                                   .request_ms = REQUEST_MS,
                                                   .fn = on_call,
                                                   .context = x},
                           &e);
    assert_non_null(x->server);
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

static void exchange_fini(struct exchange *x)
{
    forget(x);
    httpd_free(x->server);
    httpd_keys_free(x->keys);
    loop_source_free(x->later);
    loop_source_free(x->give_up);
    loop_free(x->loop);
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
    (void)!http_start(client,
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

/* ---- a caller that is no client of ours, in a thread of its own ---- */
enum { PIECE_MAX = 16 * 1024, ENDLESS_BYTES = 64 * 1024 * 1024, ANSWER_MAX = 4096 };

struct caller {
    struct loop *loop;
    struct loop_source *done;
    const char *text; /* what it says first */
    size_t piece;     /* then it says so many bytes again and again; 0: no more */
    long pause_us;    /* between them */
    bool is_plain;    /* without TLS */
    size_t sent;
    char answer[ANSWER_MAX]; /* without TLS: all that came until the server was silent */
};

static void say_more(struct caller *c, SSL *ssl)
{
    char piece[PIECE_MAX];
    memset(piece, '1', sizeof(piece));
    while (c->piece > 0 && c->sent < ENDLESS_BYTES && SSL_write(ssl, piece, (int)c->piece) > 0) {
        c->sent += c->piece;
        nanosleep(&(struct timespec){.tv_nsec = c->pause_us * 1000}, NULL);
    }
}

static void call_over_tls(struct caller *c, int fd)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    if (SSL_connect(ssl) == 1 && SSL_write(ssl, c->text, (int)strlen(c->text)) > 0)
        say_more(c, ssl);
    SSL_free(ssl);
    SSL_CTX_free(context);
}

static void call_plainly(struct caller *c, int fd)
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
    struct caller *c = context;
    struct sockaddr_in there = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&there, sizeof(there)) == 0)
        (c->is_plain ? call_plainly : call_over_tls)(c, fd);
    close(fd);
    loop_wake(c->done);
    return NULL;
}

static void on_called(void *context)
{
    struct caller *c = context;
    loop_stop(c->loop, 0);
}

/* Runs the loop until the caller has given up or was refused. */
static void let_call(struct loop *loop, struct caller *c)
{
    pthread_t thread;
    c->loop = loop;
    c->done = loop_add_wake(loop, on_called, c);
    assert_int_equal(pthread_create(&thread, NULL, call_in_thread, c), 0);
    loop_run(loop);
    pthread_join(thread, NULL);
    loop_source_free(c->done);
}

/* ---- tests ---- */
static void gives_the_request_and_takes_an_answer_that_comes_later(void **state)
{
    struct exchange x;
    struct pair p = make_pair();
    struct err e = {0};
    (void)state;
    exchange_init(&x);
    assert_int_equal(httpd_keys_set(x.keys, p.cert, &p.key, &e), 0);
    ask(&x, p.cert, 3);
    assert_int_equal(x.code, ERR_NONE);
    assert_int_equal(x.status, 503);
    assert_string_equal(x.retry_after, "7");
    assert_string_equal(x.answer, "{}");
    assert_true(x.is_post);
    assert_string_equal(x.path, "/v1/report");
    assert_string_equal(x.bearer, "token");
    assert_string_equal(x.body, "xxx");
    exchange_fini(&x);
    pair_fini(&p);
}

static void refuses_a_body_over_the_limit(void **state)
{
    struct exchange x;
    struct pair p = make_pair();
    struct err e = {0};
    (void)state;
    exchange_init(&x);
    assert_int_equal(httpd_keys_set(x.keys, p.cert, &p.key, &e), 0);
    ask(&x, p.cert, BODY_MOST);
    assert_int_equal(x.status, 503);
    ask(&x, p.cert, BODY_MOST + 1);
    assert_int_equal(x.status, 413);
    assert_null(x.path);
    exchange_fini(&x);
    pair_fini(&p);
}

static void shows_new_keys_to_new_connections(void **state)
{
    struct exchange x;
    struct pair one = make_pair(), other = make_pair();
    struct err e = {0};
    (void)state;
    exchange_init(&x);
    assert_int_equal(httpd_keys_set(x.keys, one.cert, &one.key, &e), 0);
    ask(&x, other.cert, 1);
    assert_int_equal(x.code, ERR_PROTOCOL);
    assert_int_equal(httpd_keys_set(x.keys, other.cert, &other.key, &e), 0);
    ask(&x, other.cert, 1);
    assert_int_equal(x.code, ERR_NONE);
    /* A key of another certificate is refused, and what was there stays. */
    assert_int_equal(httpd_keys_set(x.keys, one.cert, &other.key, &e), -1);
    assert_int_equal(e.code, ERR_INVALID);
    err_fini(&e);
    assert_int_equal(httpd_keys_set(x.keys, "no certificate", &other.key, &e), -1);
    err_fini(&e);
    ask(&x, other.cert, 1);
    assert_int_equal(x.code, ERR_NONE);
    exchange_fini(&x);
    pair_fini(&one);
    pair_fini(&other);
}

static void refuses_handshakes_without_keys(void **state)
{
    struct exchange x;
    struct pair p = make_pair();
    (void)state;
    exchange_init(&x);
    ask(&x, p.cert, 1);
    assert_int_equal(x.code, ERR_PROTOCOL);
    exchange_fini(&x);
    pair_fini(&p);
}

static void may_be_freed_with_a_call_unanswered(void **state)
{
    struct exchange x;
    struct pair p = make_pair();
    struct err e = {0};
    (void)state;
    exchange_init(&x);
    assert_int_equal(httpd_keys_set(x.keys, p.cert, &p.key, &e), 0);
    struct http_tls tls = {.ca_pem = p.cert};
    struct http_loop *client = http_loop_new(x.loop, &tls);
    (void)!http_start(client, &(struct http_request){.method = "GET", .url = url, .bypass_proxy = true},
                      on_done, &x);
    x.is_mute = true;
    loop_run(x.loop);
    assert_string_equal(x.path, "/v1/report");
    http_loop_free(client);
    exchange_fini(&x);
    pair_fini(&p);
}

static void a_request_that_dribbles_is_ended(void **state)
{
    struct exchange x;
    struct pair p = make_pair();
    struct err e = {0};
    struct caller slow = {.text = "GET / HTTP/1.1\r\nHost: a\r\nX: ", .piece = 1, .pause_us = 20 * 1000};
    (void)state;
    exchange_init(&x);
    assert_int_equal(httpd_keys_set(x.keys, p.cert, &p.key, &e), 0);
    let_call(x.loop, &slow);
    assert_true(slow.sent > 0);
    /* Whoever comes after an answer has as much time again. */
    ask(&x, p.cert, 3);
    assert_int_equal(x.status, 503);
    exchange_fini(&x);
    pair_fini(&p);
}

static void an_answer_that_comes_too_late_goes_nowhere(void **state)
{
    struct exchange x;
    struct pair p = make_pair();
    struct err e = {0};
    (void)state;
    exchange_init(&x);
    assert_int_equal(httpd_keys_set(x.keys, p.cert, &p.key, &e), 0);
    x.answer_ms = REQUEST_MS + 200;
    ask(&x, p.cert, 3);
    assert_int_equal(x.code, ERR_UNAVAILABLE);
    assert_false(x.is_answered);
    loop_run(x.loop);
    assert_true(x.is_answered);
    exchange_fini(&x);
    pair_fini(&p);
}

static void what_has_no_end_is_not_read_on(void **state)
{
    struct exchange x;
    struct pair p = make_pair();
    struct err e = {0};
    struct caller flood = {.text = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
                           .piece = PIECE_MAX};
    (void)state;
    exchange_init(&x);
    assert_int_equal(httpd_keys_set(x.keys, p.cert, &p.key, &e), 0);
    let_call(x.loop, &flood);
    /* The kernel takes some before the server does. */
    assert_in_range(flood.sent, 1, ENDLESS_BYTES / 2);
    exchange_fini(&x);
    pair_fini(&p);
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
    struct caller c = {.is_plain = true,
                       .text = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"};
    (void)state;
    struct httpd *server = httpd_new(loop, address, say_hello, NULL, &e);
    assert_non_null(server);
    let_call(loop, &c);
    char *first_body = strstr(c.answer, "\r\n\r\n");
    assert_non_null(first_body);
    assert_memory_equal(first_body + 4, "HTTP/1.1 200", 12);
    assert_string_equal(strstr(first_body + 4, "\r\n\r\n"), "\r\n\r\nhello\n");
    *first_body = '\0';
    assert_non_null(strstr(c.answer, "Content-Length: 6"));
    httpd_free(server);
    loop_free(loop);
}

int main(void)
{
    struct err e = {0};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_request_and_takes_an_answer_that_comes_later),
        cmocka_unit_test(refuses_a_body_over_the_limit),
        cmocka_unit_test(shows_new_keys_to_new_connections),
        cmocka_unit_test(refuses_handshakes_without_keys),
        cmocka_unit_test(may_be_freed_with_a_call_unanswered),
        cmocka_unit_test(a_request_that_dribbles_is_ended),
        cmocka_unit_test(an_answer_that_comes_too_late_goes_nowhere),
        cmocka_unit_test(what_has_no_end_is_not_read_on),
        cmocka_unit_test(the_answer_to_head_has_no_body),
    };
    signal(SIGPIPE, SIG_IGN);
    /* Test programs of several trees may run at once. */
    port = FIRST_PORT + (int)getpid() % PORTS;
    (void)snprintf(address, sizeof(address), "127.0.0.1:%d", port);
    (void)snprintf(url, sizeof(url), "https://%s/v1/report?x=1", address);
    if (secret_process_init(&e) < 0 || http_global_init(&e) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
