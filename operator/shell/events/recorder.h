/*
 * Records events (events.k8s.io/v1) about jobs, for `kubectl describe`. Recording never blocks and never
 * fails; when there are too many events, some are dropped. An event that repeats becomes a series instead of
 * many objects (shell/events/series.h); event_key says which events are the same. Borrows loop, client and
 * telemetry; texts are copied.
 */
#ifndef EVENTS_RECORDER_H
#define EVENTS_RECORDER_H

#include "core/model/action.h"
#include "kube/client.h"

struct telemetry;
struct recorder;

/* instance: the reportingInstance, for example the name of the pod; borrowed. */
struct recorder *recorder_new(struct loop *loop, struct kube_client *client, const char *instance,
                              struct telemetry *telemetry) MUST_CHECK RETURNS_NONNULL;
/* Cancels what is in flight; call it before the client is freed. NULL is fine. */
void recorder_free(struct recorder *r);
/* a: an ACTION_EVENT. */
void recorder_event(struct recorder *r, const struct job *job, const struct action *a);
/* Nothing is queued or in flight; an event that waits for a retry does not count. */
bool recorder_is_idle(const struct recorder *r);

#endif
