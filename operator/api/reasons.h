/*
 * Reasons: the CamelCase words of status.reason, conditions, failures and events.
 *
 * Two tables exist. Reasons that an agent reports are rows of agentapi/failures.def.
 * Reasons that only the operator can give are rows of reasons.def. A word is in
 * one table only; reason_of looks in both. Constant strings throughout.
 */
#ifndef API_REASONS_H
#define API_REASONS_H

#include <stdbool.h>

#include "agentapi/failures.h"

enum reason_event { REASON_EVENT_NONE, REASON_EVENT_NORMAL, REASON_EVENT_WARNING };

/* A row: what a failure with this reason means for the job. */
struct reason {
    const char *word;
    enum failure_class failure_class; /* CLASS_None: not a failure but a state, or an ending (RETRY_NEVER) */
    enum retry retry;
    enum reason_event event; /* written when status.reason becomes this word */
    const char *remedy;      /* completes "To go on, ..."; "" when nothing is to be done */
};

#define REASON_ROW(name, failure_class, retry, event, remedy) extern const char REASON_##name[];
#include "api/reasons.def"
#undef REASON_ROW

bool reason_is_known(const char *word) MUST_CHECK;
/* A word that neither table has is taken for "Unknown", an internal failure that a new attempt may not meet.
 */
struct reason reason_of(const char *word) MUST_CHECK;

#endif
