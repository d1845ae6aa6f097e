/*
 * Progress over HTTP on the pod's loopback, as Kubeflow Trainer's clients send it
 * (KEP-2779): POST /apis/trainer.kubeflow.org/v1alpha1/namespaces/NS/trainjobs/NAME/status.
 *
 * Answers contain nothing but what was wrong with the request. The token that
 * clients need is in a file that only the pod's own containers can read. Runs on the
 * loop.
 */
#ifndef AGENT_PROGRESS_SERVER_H
#define AGENT_PROGRESS_SERVER_H

#include "agentapi/assignment.h"
#include "agent/progress.h"

struct loop;
struct progress_server;

/* Writes token (and ca.crt, which Trainer's clients look for) to POD_KUBEFLOW and listens on
 * 127.0.0.1:assignment->progress_port. NULL with *e set. */
struct progress_server *progress_server_new(struct loop *loop, const struct assignment *assignment,
                                            struct progress *progress, void (*on_progress)(void *context),
                                            void *context, struct err *e) MUST_CHECK;
void progress_server_free(struct progress_server *s); /* NULL is fine */

#endif
