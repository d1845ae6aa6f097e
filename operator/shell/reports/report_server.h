/*
 * The server to which agents post their reports, over TLS.
 *
 * A report is accepted when the token that it carries belongs to a pod (shell/reports/token_reviews.h), and
 * that pod is a worker of its job's current attempt. Reports are advice: the controller keeps them for
 * plan(), and nothing here writes to the API server. The certificate is read from files, and again when they
 * change. Answers: 200 accepted, 400 not a report, 401 no token, 403 a token of no pod, 410
 * (REPORT_STATUS_REPLACED) not such a worker, 503 with Retry-After while this operator does not lead or
 * cannot verify tokens.
 */
#ifndef REPORTS_REPORT_SERVER_H
#define REPORTS_REPORT_SERVER_H

#include "shell/reconcile/controller.h"

struct report_server;

struct report_files {
    const char *cert; /* PEM, the server's certificate first */
    const char *key;  /* PEM */
    const char *ca;   /* PEM: what the agents of new workers trust */
};

/* All of it is borrowed. */
struct report_server_options {
    struct loop *loop;
    struct kube_client *client;
    struct controller *controller;
    const char *address; /* "ADDRESS:PORT" to listen on */
    const struct report_files *files;
    struct config *config; /* report_ca is set now and whenever the file changes */
};

/* NULL with *e set when the files cannot be used or the address is taken. */
struct report_server *report_server_new(const struct report_server_options *options,
                                        struct err *e) MUST_CHECK;
/* Before the controller and the client are freed. NULL is fine. */
void report_server_free(struct report_server *r);

#endif
