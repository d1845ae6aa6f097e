/*
 * The operator: caches, a queue of jobs, and passes over them. One object on one
 * loop; borrows loop, client, config and telemetry. Nothing fails for the caller: what goes
 * wrong is logged and tried again.
 *
 * It begins as a standby: the caches are kept warm, and nothing is written until
 * controller_lead.
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

/* Fills the caches at once. namespace: whose jobs it runs, "" for all; instance: the name to give in events.
 */
struct controller *controller_new(struct loop *loop, struct kube_client *client, const struct config *config,
                                  const struct notify_config *targets, const char *ns, const char *instance,
                                  struct telemetry *telemetry) MUST_CHECK RETURNS_NONNULL;
/* Gives up what is on its way; what was sent may still be carried out, as after a crash. NULL is fine. */
void controller_free(struct controller *c);
/* Looks at every job, as the API server has it now, and from then on at each that changes. leader is asked
 * before each write; NULL: there is no other operator. */
void controller_lead(struct controller *c, const struct leader *leader);
/* Starts no pass and no write any more; on_stopped runs once, from the loop, when what was on its way has
 * been answered. */
void controller_stop(struct controller *c, void (*on_stopped)(void *context), void *context);
/*
 * What the agent of a pod posted, authenticated as that pod's. Kept, and its job looked at when it is news.
 * ERR_DENIED when the pod is no worker, ERR_SUPERSEDED when it is of an attempt that is over, ERR_INVALID
 * when it is no report of that pod.
 */
int controller_take_report(struct controller *c, const char *ns, const char *pod_name, const char *pod_uid,
                           const json_t *report, struct err *e) MUST_CHECK;
/* It works on jobs and knows their workers; a standby does not. */
bool controller_takes_reports(const struct controller *c);
/* What is true now of queue, passes and jobs, with the rest that was measured. */
void controller_write_metrics(const struct controller *c, const struct leader *leader, const char *lease_name,
                              struct strbuf *out);
/* Every cache was filled once. */
bool controller_is_ready(const struct controller *c);

#endif
