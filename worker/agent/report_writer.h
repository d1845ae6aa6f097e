/*
 * The agent's report (agentapi/report.h) as it stands, written to the termination
 * message of its container at each change, so that it is right whenever the end
 * comes. The kubelet copies it into the pod's status when the container ends; the
 * trainer cannot write it.
 *
 * Used by the work thread and the main thread under a lock of its own. Cannot
 * fail: a message that cannot be written is logged.
 */
#ifndef AGENT_REPORT_WRITER_H
#define AGENT_REPORT_WRITER_H

#include "agentapi/assignment.h"
#include "agentapi/report.h"

struct loop_source;
struct report_writer;

/* The assignment is borrowed. */
struct report_writer *report_writer_new(const struct assignment *assignment) MUST_CHECK RETURNS_NONNULL;
void report_writer_free(struct report_writer *w); /* NULL is fine */
/* That source is woken at each change from now on; NULL: none. Borrowed. */
void report_writer_watch(struct report_writer *w, struct loop_source *wake);
/* The report as it stands, with this progress where it is not NULL. The caller frees it. */
char *report_writer_text(struct report_writer *w, const json_t *progress) MUST_CHECK RETURNS_NONNULL;

void report_writer_stage(struct report_writer *w, enum report_stage stage);
/* The program's exit code, 0 to 255. 0 is not success yet. */
void report_writer_exit(struct report_writer *w, int code);
/* Ends it as Failed with the error's class, reason and remedy. The first failure stays. */
void report_writer_failure(struct report_writer *w, const struct err *e);
/* A sentence that a person should read though nothing failed. Added to those before; the first ones stay when
 * there is no room for more. */
void report_writer_warning(struct report_writer *w, const char *sentence);
/* Everything that had to be published is. */
void report_writer_success(struct report_writer *w);
/* The program's progress, without the metrics that would not fit into the message. Wakes nobody. */
void report_writer_progress(struct report_writer *w, const json_t *progress);
/* What this attempt has begun with. Copied. */
void report_writer_restored(struct report_writer *w, const struct restored_ref *restored);
/* The newest committed checkpoint. Copied. */
void report_writer_checkpoint(struct report_writer *w, const struct checkpoint_ref *checkpoint);
/* The published output. Copied. */
void report_writer_output(struct report_writer *w, const struct output_ref *output);

#endif
