/* A cache of objects, against an API server of a few lines on the same loop. */
#include "kube/informer.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "data/skim.h"
#include "os/file.h"
#include "os/loop.h"

#include "base/banned.h"

enum { GIVE_UP_MS = 10 * 1000, ASKED_MAX = 8, LINE_MAX_BYTES = 512 };

#define LIST(version, items) "{\"metadata\":{\"resourceVersion\":\"" version "\"},\"items\":[" items "]}"
#define OBJECT(name, word)                                                                                   \
    "{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"7\"},\"word\":\"" word "\"}"

struct cluster;

/* One request, and its connection. */
struct visit {
    struct cluster *cluster;
    struct loop_source *io;
    int fd;
    char line[LINE_MAX_BYTES]; /* "GET /things?limit=500 HTTP/1.1..." */
};

struct cluster {
    struct loop *loop;
    int listener;
    struct loop_source *io, *give_up;
    struct kube_config *config;
    struct kube_client *client;
    struct informer_kind kind;
    struct informer *informer;
    struct visit asked[ASKED_MAX];
    size_t count, wanted; /* the loop stops at so many requests */
    bool stops_at_trouble;
    size_t troubles, left_out, gone;
};

/* ---- the server ---- */
static void on_request(void *context, int fd, unsigned events)
{
    struct visit *v = context;
    struct cluster *c = v->cluster;
    (void)events;
    ssize_t n = read(fd, v->line, sizeof(v->line) - 1);
    loop_source_free(v->io);
    v->io = NULL;
    if (n > 0 && ++c->count >= c->wanted)
        loop_stop(c->loop, 0);
}

static void on_connection(void *context, int fd, unsigned events)
{
    struct cluster *c = context;
    size_t at = 0;
    (void)events;
    while (c->asked[at].cluster != NULL)
        at++;
    assert_true(at < ASKED_MAX);
    struct visit *v = &c->asked[at];
    *v = (struct visit){.cluster = c, .fd = accept(fd, NULL, NULL)};
    assert_true(v->fd >= 0);
    v->io = loop_add_io(c->loop, v->fd, LOOP_READ, on_request, v);
}

static void give_up(void *context)
{
    (void)context;
    fail_msg("the informer did not ask");
}

/* Waits for one more request. */
static struct visit *next(struct cluster *c)
{
    c->wanted = c->count + 1;
    loop_run(c->loop);
    return &c->asked[c->count - 1];
}

static bool is_watch(const struct visit *v)
{
    return strstr(v->line, "watch=1") != NULL;
}

static void answer(struct visit *v, const char *head, const char *body)
{
    char *text CLEANUP(cleanup_free) = xasprintf(
        "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
        head, strlen(body), body);
    ssize_t length = (ssize_t)strlen(text);
    assert_int_equal(write(v->fd, text, (size_t)length), length);
    close(v->fd);
    v->fd = -1;
}

/* ---- the informer's side ---- */
/* The word; "unreadable" is no word. */
static void *reduce(struct view object, const void *previous)
{
    (void)previous;
    struct view word = skim_text(skim_at(object, "word"));
    return view_equal_text(word, "unreadable") ? NULL : view_dup(word);
}

static void on_change(void *context, const void *before, const void *after)
{
    struct cluster *c = context;
    c->gone += before != NULL && after == NULL;
}

static void on_left_out(void *context, const struct informer_kind *kind, const char *namespace,
                        const char *name)
{
    struct cluster *c = context;
    (void)kind;
    assert_string_equal(namespace, "");
    assert_string_equal(name, "a");
    c->left_out++;
}

static void on_trouble(void *context, const struct informer_kind *kind, const struct err *e)
{
    struct cluster *c = context;
    (void)kind;
    (void)e;
    c->troubles++;
    if (c->stops_at_trouble)
        loop_stop(c->loop, 0);
}

static const char *word_of(const struct cluster *c, const char *name)
{
    const char *word = store_get(informer_store(c->informer), "", name);
    return word == NULL ? "-" : word;
}

/* ---- both ---- */
static void make_config(struct cluster *c, unsigned port)
{
    struct err e CLEANUP(err_fini) = {0};
    char path[64];
    snprintf(path, sizeof(path), "/tmp/t_informer.%d", (int)getpid());
    char *text CLEANUP(cleanup_free) =
        xasprintf("current-context: c\nclusters: [{name: k, cluster: {server: 'http://127.0.0.1:%u'}}]\n"
                  "contexts: [{name: c, context: {cluster: k}}]\n",
                  port);
    assert_int_equal(file_replace(path, view_from(text), 0600, &e), 0);
    c->config = kube_config_new(path, NULL, &e);
    unlink(path);
    assert_non_null(c->config);
}

static void cluster_init(struct cluster *c)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(here);
    *c = (struct cluster){.loop = loop_new(), .listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(bind(c->listener, (struct sockaddr *)&here, size), 0);
    assert_int_equal(listen(c->listener, ASKED_MAX), 0);
    assert_int_equal(getsockname(c->listener, (struct sockaddr *)&here, &size), 0);
    c->io = loop_add_io(c->loop, c->listener, LOOP_READ, on_connection, c);
    c->give_up = loop_add_timer(c->loop, give_up, c);
    loop_timer_set(c->give_up, GIVE_UP_MS);
    make_config(c, ntohs(here.sin_port));
    c->client = kube_client_new(c->loop, c->config, "test");
    c->kind = (struct informer_kind){.path = "/things",
                                     .reduce = reduce,
                                     .free_facts = free,
                                     .on_change = on_change,
                                     .on_left_out = on_left_out,
                                     .on_trouble = on_trouble,
                                     .context = c};
    c->informer = informer_new(c->loop, c->client, &c->kind);
    informer_start(c->informer);
}

static void cluster_fini(struct cluster *c)
{
    informer_free(c->informer);
    kube_client_free(c->client);
    kube_config_free(c->config);
    for (size_t i = 0; i < ASKED_MAX; i++) {
        loop_source_free(c->asked[i].io);
        if (c->asked[i].cluster != NULL && c->asked[i].fd >= 0)
            close(c->asked[i].fd);
    }
    loop_source_free(c->io);
    loop_source_free(c->give_up);
    close(c->listener);
    loop_free(c->loop);
}

/* ---- tests ---- */
static void lists_then_watches_and_lists_again_what_a_watch_cannot_tell(void **state)
{
    struct cluster c;
    (void)state;
    cluster_init(&c);
    struct visit *list = next(&c);
    assert_false(is_watch(list));
    assert_false(informer_is_synced(c.informer));
    answer(list, "200 OK", LIST("5", OBJECT("a", "one")));
    struct visit *watch = next(&c);
    assert_true(is_watch(watch));
    assert_non_null(strstr(watch->line, "resourceVersion=5"));
    assert_true(informer_is_current(c.informer));
    assert_string_equal(word_of(&c, "a"), "one");
    answer(watch, "200 OK",
           "{\"type\":\"MODIFIED\",\"object\":" OBJECT(
               "a", "two") "}"
                           "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"reason\":"
                           "\"Expired\"}}");
    list = next(&c);
    assert_false(is_watch(list));
    assert_string_equal(word_of(&c, "a"), "two");
    answer(list, "200 OK", LIST("9", OBJECT("b", "three")));
    watch = next(&c);
    assert_non_null(strstr(watch->line, "resourceVersion=9"));
    assert_string_equal(word_of(&c, "a"), "-");
    assert_string_equal(word_of(&c, "b"), "three");
    assert_int_equal(c.gone, 1);
    cluster_fini(&c);
}

/* The server cannot tell of one event: it could not the next time either. */
static void an_error_in_a_watch_is_got_past_by_a_list(void **state)
{
    struct cluster c;
    (void)state;
    cluster_init(&c);
    answer(next(&c), "200 OK", LIST("5", ""));
    answer(next(&c), "200 OK",
           "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":500,\"reason\":\"InternalError\"}}");
    assert_false(is_watch(next(&c)));
    assert_int_equal(c.troubles, 1);
    cluster_fini(&c);
}

/* It was asked for before whatever the caller knows of. */
static void a_list_that_is_on_its_way_is_not_new_enough(void **state)
{
    struct cluster c;
    (void)state;
    cluster_init(&c);
    struct visit *early = next(&c);
    informer_relist(c.informer);
    struct visit *late = next(&c);
    assert_false(is_watch(late));
    answer(early, "200 OK", LIST("5", OBJECT("a", "early")));
    answer(late, "200 OK", LIST("6", OBJECT("a", "late")));
    struct visit *watch = next(&c);
    assert_non_null(strstr(watch->line, "resourceVersion=6"));
    assert_string_equal(word_of(&c, "a"), "late");
    cluster_fini(&c);
}

static void a_new_list_does_not_come_before_the_server_wants_it(void **state)
{
    struct cluster c;
    (void)state;
    cluster_init(&c);
    answer(next(&c), "200 OK", LIST("5", ""));
    answer(next(&c), "429 Too Many Requests\r\nRetry-After: 1", "{\"kind\":\"Status\",\"message\":\"wait\"}");
    int64_t asked_ms = clock_boot_ms();
    c.stops_at_trouble = true;
    loop_run(c.loop);
    informer_relist(c.informer);
    assert_false(is_watch(next(&c)));
    assert_true(clock_boot_ms() - asked_ms >= 900);
    cluster_fini(&c);
}

static void what_cannot_be_read_is_left_out_and_told(void **state)
{
    struct cluster c;
    (void)state;
    cluster_init(&c);
    answer(next(&c), "200 OK", LIST("5", OBJECT("a", "one") "," OBJECT("b", "two")));
    answer(next(&c), "200 OK", "{\"type\":\"MODIFIED\",\"object\":" OBJECT("a", "unreadable") "}");
    assert_true(is_watch(next(&c)));
    assert_string_equal(word_of(&c, "a"), "-");
    assert_string_equal(word_of(&c, "b"), "two");
    assert_int_equal(c.left_out, 1);
    assert_int_equal(c.gone, 1);
    assert_int_equal(c.troubles, 0);
    cluster_fini(&c);
}

static int set_up(void **state)
{
    struct err e CLEANUP(err_fini) = {0};
    (void)state;
    return http_global_init(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_then_watches_and_lists_again_what_a_watch_cannot_tell),
        cmocka_unit_test(an_error_in_a_watch_is_got_past_by_a_list),
        cmocka_unit_test(a_list_that_is_on_its_way_is_not_new_enough),
        cmocka_unit_test(a_new_list_does_not_come_before_the_server_wants_it),
        cmocka_unit_test(what_cannot_be_read_is_left_out_and_told),
    };
    return cmocka_run_group_tests_name("informer", tests, set_up, NULL);
}
