/*
 * The agent's word to the operator: its own termination message, a JSON object
 * of at most 4 KiB that the kubelet copies into the pod's status when the
 * container ends. The trainer cannot write it.
 *
 * Rewritten at each change, so that it is right whenever the end comes. Used by
 * the work thread and the main thread under a lock of its own. Cannot fail: a
 * message that cannot be written is logged.
 */
#ifndef AGENT_RESULT_H
#define AGENT_RESULT_H

#include "agent/plan.h"
#include "base/err.h"
#include "seal/head.h"
#include "seal/publish.h"

struct loop_source;
struct result;

struct result *result_new(const struct plan *plan) MUST_CHECK RETURNS_NONNULL;
void result_free(struct result *r);
/* From now on that source is woken at each change; NULL: none. Borrowed. */
void result_watch(struct result *r, struct loop_source *wake);
/* As it stands; a new reference. */
json_t *result_copy(struct result *r) MUST_CHECK RETURNS_NONNULL;

/* "identity", "keys", "staging", "running", "publishing", "done". Constant text. */
void result_stage(struct result *r, const char *stage);
/* The trainer's exit code, and what that makes of the result: 0 is not success yet. */
void result_exit(struct result *r, int code);
/* Ends it as Failed with the error's class and reason. The first failure stays. */
void result_failure(struct result *r, const struct err *e);
/* What the trainer says of its progress, as far as the message has room for it. Wakes nobody. */
void result_progress(struct result *r, const json_t *progress);
/* Everything that had to be published is. */
void result_success(struct result *r);
void result_resumed_from(struct result *r, const char *name, int64_t step);
/* The committed checkpoint; uri is that of its manifest. */
void result_checkpoint(struct result *r, const char *uri, const struct head *head);
void result_output(struct result *r, const struct publication *output);

#endif
