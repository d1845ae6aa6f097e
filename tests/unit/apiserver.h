/*
 * An API server of a few lines, on the loop of the test, and a client of it. A request waits until the test
 * answers it.
 */
#ifndef TESTS_APISERVER_H
#define TESTS_APISERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "kube/client.h"

enum { APISERVER_VISITS_MAX = 16, APISERVER_REQUEST_MAX = 32 * 1024 };

struct apiserver;

/* One request, and its connection. */
struct visit {
    struct apiserver *server;
    struct loop_source *io;
    int fd;
    char text[APISERVER_REQUEST_MAX]; /* "GET /things?limit=500 HTTP/1.1...", with the body */
    size_t length;
};

struct apiserver {
    struct loop *loop;
    int listener;
    struct loop_source *io, *give_up;
    struct kube_config *config;
    struct kube_client *client;
    struct visit visits[APISERVER_VISITS_MAX];
    size_t count, wanted; /* the loop stops at so many requests */
};

/* Once for a program: a cmocka group's set-up. */
int apiserver_set_up(void **state);
void apiserver_init(struct apiserver *s);
void apiserver_fini(struct apiserver *s);
/* Runs the loop until one more request has come, and fails when none does. */
struct visit *apiserver_next(struct apiserver *s);
/* The body of the request; "" when it has none. */
const char *apiserver_body(const struct visit *v);
/* head: "200 OK", perhaps with headers behind it. */
void apiserver_answer(struct visit *v, const char *head, const char *body);

#endif
