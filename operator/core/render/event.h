/*
 * An event about a job as an object of events.k8s.io/v1. Pure; nothing fails; the caller owns what is
 * returned.
 */
#ifndef RENDER_EVENT_H
#define RENDER_EVENT_H

#include "core/model/action.h"

/* a: an ACTION_EVENT. name: of the Event object. instance: reportingInstance. now_us: wall time. */
json_t *event_render(const struct job *job, const struct action *a, const char *name, const char *instance,
                     int64_t now_us) MUST_CHECK RETURNS_NONNULL;
/* Equal for two events of one job of which the second repeats the first: type, reason, pod and part, but not
 * the note, as in client-go. */
char *event_key(const struct action *a) MUST_CHECK RETURNS_NONNULL;

#endif
