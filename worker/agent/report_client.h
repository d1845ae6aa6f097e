/*
 * Reports to the operator: the agent's result as it stands, and the trainer's
 * progress, posted over TLS with the pod's own token.
 *
 * Runs on the loop. A new result goes out within a second, new progress within
 * five, and once a minute all is said again to an operator that may have been
 * restarted. Reports are advice: a failure is logged once, tried again with
 * growing pauses, and changes nothing else.
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

/* There is news. On the loop. */
void report_client_note_report(struct report_client *r);
void report_client_note_progress(struct report_client *r);

#endif
