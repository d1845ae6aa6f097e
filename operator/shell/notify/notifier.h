/*
 * Delivers notifications to their targets.
 *
 * plan() adds each notification to the pending ones in the job's status; the notifier follows the statuses as
 * the API server holds them, sends, and tells plan() which were delivered, so that they are removed from the
 * status. It keeps names and ids only: the content is rendered from the cached job when it is sent. After a
 * failed delivery a target is paused, twice as long each time; other targets are not affected. Nothing here
 * blocks or fails. At most 8 requests are in flight, 2 for one target.
 *
 * Borrows what it is given; texts are copied.
 */
#ifndef NOTIFY_NOTIFIER_H
#define NOTIFY_NOTIFIER_H

#include "core/model/world.h"
#include "shell/notify/notify_config.h"

struct caches;
struct loop;
struct notifier;
struct recorder;
struct telemetry;

struct notifier_options {
    struct loop *loop;
    const struct caches *caches;
    struct recorder *recorder;
    struct telemetry *telemetry;
    const struct notify_config *targets;
    const struct config *config; /* endpoints and the CA bundle for them */
    /* False while another process may lead. */
    bool (*may_send)(void *context);
    /* A notification of that job was delivered. */
    void (*on_delivered)(void *context, const char *ns, const char *name);
    void *context;
};

/* options is copied. */
struct notifier *notifier_new(const struct notifier_options *options) MUST_CHECK RETURNS_NONNULL;
/* Cancels what is in flight; it is still pending in the statuses. NULL is fine. */
void notifier_free(struct notifier *n);
/* The job as it is cached: sends what is pending in its status, and drops what no longer is. */
void notifier_follow(struct notifier *n, const struct job *job);
/* The job was deleted. */
void notifier_forget(struct notifier *n, const char *ns, const char *name);
/* What was delivered and is still in the status; the array is in the arena. */
const struct delivered *notifier_delivered(const struct notifier *n, const struct job *job, struct arena *a,
                                           size_t *ret_count);

#endif
