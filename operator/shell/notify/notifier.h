/*
 * Delivers what is owed to the targets of notifications.
 *
 * plan() writes each debt into the job's status; the notifier follows the statuses
 * as the API server holds them, sends, and tells plan() what was taken, which takes
 * it off the status. It keeps names and ids only: the content is made from the
 * cached job when it is sent. A target that does not take something is left alone
 * for a while, twice as long each time, and bears on no other target; nothing here
 * ever waits or fails. At most 8 requests are under way, 2 to one target.
 *
 * Borrows what it is given; texts are copied.
 */
#ifndef NOTIFY_NOTIFIER_H
#define NOTIFY_NOTIFIER_H

#include "core/model/world.h"
#include "shell/notify/config.h"

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
    const struct config *config;                                           /* endpoints */
    bool (*may_send)(void *context);                                       /* false: somebody else leads */
    void (*on_delivered)(void *context, const char *ns, const char *name); /* of the job */
    void *context;
};

/* host is copied. */
struct notifier *notifier_new(const struct notifier_options *options) MUST_CHECK RETURNS_NONNULL;
/* Gives up what is on its way: it stands in the statuses. NULL is fine. */
void notifier_free(struct notifier *n);
/* The job as it was read: what it owes is sent, what it no longer owes is forgotten. */
void notifier_follow(struct notifier *n, const struct job *job);
/* The job is gone. */
void notifier_forget(struct notifier *n, const char *ns, const char *name);
/* What was taken and still stands in the status, in an array in the arena. */
const struct delivered *notifier_delivered(const struct notifier *n, const struct job *job, struct arena *a,
                                           size_t *ret_count);

#endif
