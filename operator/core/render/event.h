/*
 * An event about a job as an object of events.k8s.io/v1. Pure; the caller owns what is
 * returned.
 */
#ifndef RENDER_EVENT_H
#define RENDER_EVENT_H

#include "core/model/action.h"

/* a: an ACTION_EVENT. name: of the object. instance: who reports. now_us: wall clock. */
json_t *event_render(const struct job *job, const struct action *a, const char *name, const char *instance,
                     int64_t now_us) MUST_CHECK RETURNS_NONNULL;
/* What two events of one job have in common when the second only repeats the first. As client-go means it,
 * which leaves out the note: type, reason, pod, and the part of the job. */
char *event_key(const struct action *a) MUST_CHECK RETURNS_NONNULL;

#endif
