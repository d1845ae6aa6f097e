/*
 * Posts the agent's report and the trainer's progress to the operator, over TLS
 * with the pod's own token.
 *
 * Runs on the loop. A change of the report is posted within a second, new progress
 * within five, and everything once a minute, for an operator that was restarted.
 * Reports are advisory: a failure is logged once and retried with backoff, and has no
 * other effect.
 */
#ifndef AGENT_REPORT_CLIENT_H
#define AGENT_REPORT_CLIENT_H

#include "agentapi/assignment.h"
#include "agent/progress.h"
#include "agent/report_writer.h"

struct loop;
struct report_client;

/* Everything is borrowed. assignment->reports_url must be set. */
struct report_client *report_client_new(struct loop *loop, const struct assignment *assignment,
                                        struct report_writer *report,
                                        const struct progress *progress) MUST_CHECK RETURNS_NONNULL;
void report_client_free(struct report_client *r); /* NULL is fine */

/* Report or progress have changed. On the loop. */
void report_client_note_report(struct report_client *r);
void report_client_note_progress(struct report_client *r);

#endif
