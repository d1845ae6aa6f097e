/*
 * One write of a reconcile of the job in rendering.h, against the API server in apiserver.h.
 */
#ifndef TESTS_UNIT_WRITING_H
#define TESTS_UNIT_WRITING_H

#include "apiserver.h"
#include "rendering.h"
#include "shell/reconcile/reconcile_int.h"

struct writing {
    struct rendering *rendering;
    struct apiserver server;
    struct reconciler reconciler;
    struct reconcile r;
    int ended; /* how often the write has ended */
};

/* One of each kind, about an object x with the uid u1 where they name one. */
extern const struct action set_status, confirm, create_service, create_policy, update_policy, create_pod,
    delete_pod, force_delete_pod, end_group, delete_service, delete_policy, ask_autoscaler;

/* Of a cmocka test: *state is the writing. The job's resourceVersion is 41. */
int writing_setup(void **state);
int writing_teardown(void **state);
/* Starts the write and waits for the request that it sends. */
struct visit *writing_send(struct writing *w, const struct action *a);
/* Answers and waits until the write has ended. */
void writing_answer(struct writing *w, struct visit *v, const char *head, const char *body);
/* Gives the write up. */
void writing_cancel(struct writing *w);

#endif
