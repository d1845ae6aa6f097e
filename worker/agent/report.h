/*
 * Reports to the operator: the agent's result as it stands, and the trainer's
 * progress, posted over TLS with the pod's own token.
 *
 * Runs on the loop. A new result goes out within a second, new progress within
 * five, and once a minute all is said again to an operator that may have been
 * restarted. Reports are advice: a failure is logged once, tried again with
 * growing pauses, and changes nothing else.
 */
#ifndef AGENT_REPORT_H
#define AGENT_REPORT_H

#include "agent/plan.h"
#include "agent/progress.h"
#include "agent/result.h"

struct loop;
struct reporter;

/* Everything is borrowed. plan->reports_url must be set. */
struct reporter *reporter_new(struct loop *loop, const struct plan *plan, struct result *result,
                              const struct progress *progress) MUST_CHECK RETURNS_NONNULL;
void reporter_free(struct reporter *r); /* NULL is fine */

/* There is news. On the loop. */
void reporter_note_result(struct reporter *r);
void reporter_note_progress(struct reporter *r);

#endif
