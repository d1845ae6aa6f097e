/*
 * A pending notification as a CloudEvent (cloudevents.io, version 1.0). Pure; nothing fails; the caller owns
 * the JSON. Every delivery of one notification has the same content.
 */
#ifndef RENDER_CLOUD_EVENT_H
#define RENDER_CLOUD_EVENT_H

#include "api/job.h"

#define CLOUD_EVENT_CONTENT_TYPE "application/cloudevents+json; charset=utf-8"

/* In the JSON format: attributes, and data as a member. source: a URI reference that names the cluster. */
json_t *cloud_event_render(const struct job *j, const struct status_notification *n,
                           const char *source) MUST_CHECK RETURNS_NONNULL;
/* The same as a request of projects.topics.publish, in the binding's binary mode: data and attributes of the
 * event are those of the message. */
json_t *cloud_event_render_pubsub(const struct job *j, const struct status_notification *n,
                                  const char *source) MUST_CHECK RETURNS_NONNULL;

#endif
