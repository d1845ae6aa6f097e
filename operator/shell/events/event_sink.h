/*
 * Writes events to the API server in the background, through a bounded queue that is fair between namespaces
 * (shell/events/fair_queue.h says which events are dropped when it is full). A few requests are in flight at
 * a time, and their rate is limited, as each event is a write to etcd. Lost connections and requests to wait
 * are retried; any other rejection is final. What is dropped is logged and counted. Borrows loop, client and
 * telemetry.
 */
#ifndef EVENTS_EVENT_SINK_H
#define EVENTS_EVENT_SINK_H

#include "kube/client.h"

struct telemetry;
struct event_sink;

struct event_sink *event_sink_new(struct loop *loop, struct kube_client *client,
                                  struct telemetry *telemetry) MUST_CHECK RETURNS_NONNULL;
/* Drops what is queued and cancels what is in flight. NULL is fine. */
void event_sink_free(struct event_sink *sink);
/* Creates the event, or patches it if patch is not NULL; event is then created if it does not exist. Texts
 * are copied, trees are referenced. */
void event_sink_put(struct event_sink *sink, const char *ns, const char *name, json_t *event, json_t *patch);
/* Nothing is queued or in flight; an event that waits for a retry does not count. */
bool event_sink_is_idle(const struct event_sink *sink);

#endif
