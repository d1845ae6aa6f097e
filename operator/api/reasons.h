/*
 * Reasons: the CamelCase words of status.reason, conditions, failures and events.
 *
 * Two tables exist. Reasons that an agent reports are rows of lib/base/err.def.
 * Reasons that only the operator can give are rows of reasons.def. A word is in
 * one table only; reason_find looks in both. Constant strings throughout.
 */
#ifndef API_REASONS_H
#define API_REASONS_H

#include <stdbool.h>

#include "base/err.h"

enum reason_retry {
    REASON_NEVER,  /* the job ends */
    REASON_LATER,  /* a new attempt after the usual backoff */
    REASON_SLOWLY, /* a new attempt after the longest backoff */
};

enum reason_event { REASON_EVENT_NONE, REASON_EVENT_NORMAL, REASON_EVENT_WARNING };

/* A row: what a failure with this reason means for the job. */
struct reason {
    const char *word;
    enum err_class failure_class; /* CLASS_None: a state of waiting, not a failure */
    enum reason_retry retry;
    enum reason_event event; /* written when status.reason becomes this word */
    const char *remedy;      /* completes "To go on, ..."; "" when nothing is to be done */
};

#define REASON_ROW(name, failure_class, retry, event, remedy) extern const char REASON_##name[];
#include "api/reasons.def"
#undef REASON_ROW

/* NULL when neither table has the word. */
const struct reason *reason_find(const char *word);

#endif
