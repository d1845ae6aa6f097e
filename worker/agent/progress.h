/*
 * The trainer's progress: the newest report only, validated and limited in size, as
 * an object in Kubeflow Trainer's form (progressPercentage,
 * estimatedRemainingSeconds, metrics). Pure. An invalid report fails with
 * ERR_INVALID, whose message names the field, and has no other effect.
 */
#ifndef AGENT_PROGRESS_H
#define AGENT_PROGRESS_H

#include <jansson.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/view.h"

/* Zeroed: no progress yet. Owned by the caller. */
struct progress {
    json_t *latest; /* NULL: none yet */
};

void progress_fini(struct progress *p);
/* Replaces the progress with that of `status` (trainerStatus of Kubeflow Trainer). */
int progress_take(struct progress *p, const json_t *status, struct err *e) MUST_CHECK;
/*
 * The same from a line: such an object, also inside {"trainerStatus": ...}, or words like
 *     progress=40 remaining=120 loss=0.25
 * of which all but progress (or progressPercentage) and remaining (or estimatedRemainingSeconds) are metrics.
 */
int progress_take_line(struct progress *p, struct view line, struct err *e) MUST_CHECK;
/* Cuts "checkpoint=PATH" off, which is a line or the end of one: the path may contain spaces. False: the line
 * has none. */
bool progress_cut_checkpoint(struct view *line, struct view *ret_path);

#endif
