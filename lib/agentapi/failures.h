/*
 * What an error means for a TrainingJob: its class, whether a new attempt may
 * succeed, and what a person does about it (failures.def). The agent words its
 * failures by this table, and the operator judges them by it; the plugin takes
 * remedies from it.
 *
 * Constant data: nothing is owned and nothing fails.
 */
#ifndef AGENTAPI_FAILURES_H
#define AGENTAPI_FAILURES_H

#include "base/attr.h"
#include "base/err.h"

/* Failure classes; the words of TrainingJob status. */
enum failure_class {
    CLASS_None,
    CLASS_Application,
    CLASS_Disruption,
    CLASS_Security,
    CLASS_Key,
    CLASS_Data,
    CLASS_Network,
    CLASS_Resource,
    CLASS_Internal,
};

/* Whether a new attempt is made after a failure. */
enum retry {
    RETRY_NEVER,  /* the job ends */
    RETRY_LATER,  /* after the usual backoff */
    RETRY_SLOWLY, /* after the longest backoff */
};

struct failure {
    const char *reason; /* the name of its code */
    enum failure_class failure_class;
    enum retry retry;
    const char *remedy; /* completes "To go on, ..." */
};

/* The names of the classes by enum failure_class, for field tables; NULL ends them. */
extern const char *const failure_class_names[];

/* "Application", "Key", ...; "None" for CLASS_None. */
const char *failure_class_name(enum failure_class failure_class) MUST_CHECK RETURNS_NONNULL;
/* CLASS_None when the word is not a class. */
enum failure_class failure_class_from_name(const char *name) MUST_CHECK;

/* Of ERR_NONE: empty texts, CLASS_None. */
const struct failure *failure_of_code(enum err_code code) MUST_CHECK RETURNS_NONNULL;
/* NULL when no code has that name. */
const struct failure *failure_find(const char *reason) MUST_CHECK;
/* The remedy of a code, as struct gcp_config takes it. */
const char *failure_remedy(enum err_code code) MUST_CHECK RETURNS_NONNULL;
/* The whole error and its remedy: "a: b. To go on, grant ...". The caller frees it. */
char *failure_sentence(const struct err *e) MUST_CHECK RETURNS_NONNULL;

#endif
