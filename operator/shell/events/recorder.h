/*
 * Events (events.k8s.io/v1) about jobs, for `kubectl describe`. They are news, not
 * state: never waited for, and left out when there are too many. One that repeats
 * becomes a series instead of many (shell/events/series.h); event_key says which those
 * are. Borrows loop, client and telemetry; texts are copied.
 */
#ifndef EVENTS_RECORDER_H
#define EVENTS_RECORDER_H

#include "core/model/action.h"
#include "kube/client.h"

struct telemetry;
struct recorder;

/* instance: who reports, e.g. the pod's name; borrowed. */
struct recorder *recorder_new(struct loop *loop, struct kube_client *client, const char *instance,
                              struct telemetry *telemetry) MUST_CHECK RETURNS_NONNULL;
/* Before the client is freed; what is on its way is given up. NULL is fine. */
void recorder_free(struct recorder *r);
/* a: an ACTION_EVENT. */
void recorder_event(struct recorder *r, const struct job *job, const struct action *a);
/* Everything was sent that has not met an obstacle. */
bool recorder_is_idle(const struct recorder *r);

#endif
