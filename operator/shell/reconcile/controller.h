/*
 * The controller: caches, a work queue with one item for each job, and the reconciles of those jobs. It runs
 * on one loop and reports no errors: what goes wrong is logged and retried.
 *
 * It starts as a standby: the caches are kept up to date, and nothing is written before controller_lead.
 */
#ifndef RECONCILE_CONTROLLER_H
#define RECONCILE_CONTROLLER_H

#include "core/model/world.h"
#include "kube/client.h"
#include "shell/metrics/telemetry.h"

struct leader;
struct loop;
struct notify_config;
struct controller;

/* All of it is borrowed. */
struct controller_options {
    struct loop *loop;
    struct kube_client *client;
    const struct config *config;
    const struct notify_config *targets; /* of notifications */
    const char *ns;                      /* whose jobs are run; "" = all namespaces */
    const char *instance;                /* the reportingInstance of events */
    struct telemetry *telemetry;
};

/* Begins to fill the caches. */
struct controller *controller_new(const struct controller_options *options) MUST_CHECK RETURNS_NONNULL;
/* Cancels requests in flight; the API server may still carry them out, as after a crash. NULL is fine. */
void controller_free(struct controller *c);
/* Lists everything again and reconciles every job, and from then on each job that changes. leader is asked
 * before each write; NULL: there is no leader election. */
void controller_lead(struct controller *c, const struct leader *leader);
/* Starts no reconcile and no write any more. on_stopped runs once, from the loop, when all requests in flight
 * have been answered. */
void controller_stop(struct controller *c, void (*on_stopped)(void *context), void *context);
/*
 * A report from the agent of a pod; the caller has authenticated that pod. The report is kept, and the job is
 * enqueued if it differs from the last one. ERR_SUPERSEDED when the pod is not a worker of its job's current
 * attempt, also when it is gone; ERR_INVALID when the report is malformed or is another pod's.
 */
int controller_accept_report(struct controller *c, const char *ns, const char *pod_name, const char *pod_uid,
                             const json_t *report, struct err *e) MUST_CHECK;
/* False for a standby, and until the caches are filled: the workers are not known then. */
bool controller_accepts_reports(const struct controller *c);
/* All metrics in Prometheus' text format; leader may be NULL. */
void controller_write_metrics(const struct controller *c, const struct leader *leader, const char *lease_name,
                              struct strbuf *out);
/* Every cache was filled at least once. */
bool controller_is_ready(const struct controller *c);

#endif
