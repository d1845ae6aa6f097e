/*
 * Events on their way to the API server: a bounded queue that blocks nobody, and in which namespaces take
 * turns (shell/events/fair_queue.h says who is left out when it fills). A few are sent at a time, and no more
 * in a second than etcd likes; a lost connection and a server that asks to wait are waited out, any other
 * refusal is final. What is left out is logged and counted. Borrows loop, client and telemetry.
 */
#ifndef EVENTS_EVENT_SINK_H
#define EVENTS_EVENT_SINK_H

#include "kube/client.h"

struct telemetry;
struct event_sink;

struct event_sink *event_sink_new(struct loop *loop, struct kube_client *client,
                                  struct telemetry *telemetry) MUST_CHECK RETURNS_NONNULL;
/* What is on its way is given up. NULL is fine. */
void event_sink_free(struct event_sink *o);
/* The event named name: as event says, or, with patch, changed so; then event is what is made when there is
 * none of that name. Texts are copied, trees referred to. */
void event_sink_put(struct event_sink *o, const char *ns, const char *name, json_t *event, json_t *patch);
/* Nothing waits to be sent for the first time, and no answer is awaited. */
bool event_sink_is_idle(const struct event_sink *o);

#endif
