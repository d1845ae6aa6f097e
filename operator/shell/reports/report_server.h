/*
 * The server that agents post their reports to, over TLS.
 *
 * A report is taken when the pod's own token says whose it is (shell/reports/token_reviews.h)
 * and that pod is a worker of its job's current attempt. It is advice: the
 * controller keeps it for plan(), and nothing here writes anything. The key pair
 * is read from files and again when they change. Answers: 200 taken, 400 no
 * report, 401 no token, 403 not such a pod, 503 with Retry-After while this
 * operator does not work on jobs or cannot ask about tokens.
 */
#ifndef REPORTS_REPORT_SERVER_H
#define REPORTS_REPORT_SERVER_H

#include "shell/reconcile/controller.h"

struct report_server;

struct report_files {
    const char *cert; /* PEM, the server's certificate first */
    const char *key;
    const char *ca; /* what agents trust: it goes into the plans of new workers */
};

/* Everything is borrowed; config->report_ca is set now and whenever the file changes. NULL with *e set when
 * the files cannot be used or the address is taken. */
struct report_server *report_server_new(struct loop *loop, struct kube_client *client,
                                        struct controller *controller, const char *address,
                                        const struct report_files *files, struct config *config,
                                        struct err *e) MUST_CHECK;
/* Before the controller and the client are freed. NULL is fine. */
void report_server_free(struct report_server *r);

#endif
