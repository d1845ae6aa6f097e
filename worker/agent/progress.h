/*
 * What the trainer says of its progress: the newest word only, checked and made
 * small, as an object in Kubeflow Trainer's form (progressPercentage,
 * estimatedRemainingSeconds, metrics). Pure. Nothing that the trainer says makes
 * anything fail but its own saying: ERR_INVALID names the field.
 */
#ifndef AGENT_PROGRESS_H
#define AGENT_PROGRESS_H

#include <jansson.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/view.h"

/* Zeroed: nothing was said. Owned by the caller. */
struct progress {
    json_t *latest; /* NULL: nothing */
};

void progress_fini(struct progress *p);
/* Takes what `status` (trainerStatus of Kubeflow Trainer) says in place of what was said before. */
int progress_take(struct progress *p, const json_t *status, struct err *e) MUST_CHECK;
/*
 * The same from a line: such an object, also inside {"trainerStatus": ...}, or words like
 *     progress=40 remaining=120 loss=0.25
 * of which all but progress (or progressPercentage) and remaining (or estimatedRemainingSeconds) are metrics.
 */
int progress_take_line(struct progress *p, struct view line, struct err *e) MUST_CHECK;

#endif
