#include "apiserver.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "os/file.h"
#include "os/loop.h"

#include "base/banned.h"

enum { GIVE_UP_MS = 10 * 1000 };

const char *apiserver_body(const struct visit *v)
{
    const char *end = strstr(v->text, "\r\n\r\n");
    return end == NULL ? "" : end + 4;
}

static bool is_complete(const struct visit *v)
{
    const char *length = strcasestr(v->text, "\r\nContent-Length:");
    if (strstr(v->text, "\r\n\r\n") == NULL)
        return false;
    return length == NULL ||
           strlen(apiserver_body(v)) >= strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
}

static void on_request(void *context, int fd, unsigned events)
{
    struct visit *v = context;
    struct apiserver *s = v->server;
    (void)events;
    ssize_t n = read(fd, v->text + v->length, sizeof(v->text) - 1 - v->length);
    v->length += n > 0 ? (size_t)n : 0;
    if (n > 0 && !is_complete(v) && v->length < sizeof(v->text) - 1)
        return;
    loop_source_free(v->io);
    v->io = NULL;
    if (n > 0 && ++s->count >= s->wanted)
        loop_stop(s->loop, 0);
}

static void on_connection(void *context, int fd, unsigned events)
{
    struct apiserver *s = context;
    size_t at = 0;
    (void)events;
    while (at < APISERVER_VISITS_MAX && s->visits[at].server != NULL)
        at++;
    assert_true(at < APISERVER_VISITS_MAX);
    struct visit *v = &s->visits[at];
    *v = (struct visit){.server = s, .fd = accept(fd, NULL, NULL)};
    assert_true(v->fd >= 0);
    v->io = loop_add_io(s->loop, v->fd, LOOP_READ, on_request, v);
}

static void give_up(void *context)
{
    (void)context;
    fail_msg("no request came");
}

static struct kube_config *make_config(unsigned port)
{
    struct err e CLEANUP(err_fini) = {0};
    char path[64];
    snprintf(path, sizeof(path), "/tmp/apiserver.%d", (int)getpid());
    char *text CLEANUP(cleanup_free) =
        xasprintf("current-context: c\nclusters: [{name: k, cluster: {server: 'http://127.0.0.1:%u'}}]\n"
                  "contexts: [{name: c, context: {cluster: k}}]\n",
                  port);
    assert_int_equal(file_replace(path, view_from(text), 0600, &e), 0);
    struct kube_config *config = kube_config_new(path, NULL, &e);
    unlink(path);
    assert_non_null(config);
    return config;
}

int apiserver_set_up(void **state)
{
    struct err e CLEANUP(err_fini) = {0};
    (void)state;
    return http_global_init(&e);
}

void apiserver_init(struct apiserver *s)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(here);
    *s = (struct apiserver){.loop = loop_new(), .listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(bind(s->listener, (struct sockaddr *)&here, size), 0);
    assert_int_equal(listen(s->listener, APISERVER_VISITS_MAX), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&here, &size), 0);
    s->io = loop_add_io(s->loop, s->listener, LOOP_READ, on_connection, s);
    s->give_up = loop_add_timer(s->loop, give_up, s);
    s->config = make_config(ntohs(here.sin_port));
    s->client = kube_client_new(s->loop, s->config, "test");
}

void apiserver_fini(struct apiserver *s)
{
    kube_client_free(s->client);
    kube_config_free(s->config);
    for (size_t i = 0; i < APISERVER_VISITS_MAX; i++) {
        loop_source_free(s->visits[i].io);
        if (s->visits[i].server != NULL && s->visits[i].fd >= 0)
            close(s->visits[i].fd);
    }
    loop_source_free(s->io);
    loop_source_free(s->give_up);
    close(s->listener);
    loop_free(s->loop);
}

struct visit *apiserver_next(struct apiserver *s)
{
    s->wanted = s->count + 1;
    loop_timer_set(s->give_up, GIVE_UP_MS);
    loop_run(s->loop);
    loop_timer_set(s->give_up, -1);
    return &s->visits[s->count - 1];
}

void apiserver_answer(struct visit *v, const char *head, const char *body)
{
    char *text CLEANUP(cleanup_free) = xasprintf(
        "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
        head, strlen(body), body);
    ssize_t length = (ssize_t)strlen(text);
    assert_int_equal(write(v->fd, text, (size_t)length), length);
    close(v->fd);
    v->fd = -1;
}
