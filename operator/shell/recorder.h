/*
 * Events (events.k8s.io/v1) about jobs, for `kubectl describe`. They are news, not
 * state: never waited for, never repeated, and left out when there are too many.
 * Failures are logged. The recorder borrows the client; texts are copied.
 */
#ifndef SHELL_RECORDER_H
#define SHELL_RECORDER_H

#include "api/job.h"
#include "kube/client.h"

struct recorder;

/* instance: who reports, e.g. the pod's name; borrowed. */
struct recorder *recorder_new(struct kube_client *client, const char *instance) MUST_CHECK RETURNS_NONNULL;
/* Before the client is freed; what is on its way is given up. NULL is fine. */
void recorder_free(struct recorder *r);
/* type: "Normal" or "Warning". */
void recorder_event(struct recorder *r, const struct job *job, const char *type, const char *reason,
                    const char *note);

#endif
