/*
 * The last create that the API server refused, and what it means for the attempt. Pure; nothing here fails.
 */
#ifndef MODEL_REFUSAL_H
#define MODEL_REFUSAL_H

#include "core/model/action.h"

/* In the order in which they are reported when several were refused at once. */
enum child_kind { CHILD_NONE, CHILD_POLICY, CHILD_POD, CHILD_SERVICE };

/* An object of a job that is to be created. */
struct child_ref {
    enum child_kind kind;
    const char *name;
    int32_t attempt; /* of a pod; 0 = it belongs to no attempt */
};

enum refusal_cause {
    REFUSAL_OTHER,           /* a person must do something */
    REFUSAL_QUOTA,           /* a ResourceQuota has no room: it may get some by itself */
    REFUSAL_SERVICE_ACCOUNT, /* the pod's service account does not exist */
};

/* Kept by the shell, in memory only; texts are borrowed from there. */
struct refusal {
    struct child_ref child; /* CHILD_NONE = nothing was refused since the last create that succeeded */
    const char *message;    /* the API server's */
    int64_t at_us;          /* wall clock */
    int32_t count;          /* refusals in a row */
    bool is_told;           /* a status that reports it was written */
};

/* What an action of kind CREATE_* creates; the name is borrowed from it. CHILD_NONE for other actions. */
struct child_ref child_of_action(const struct action *act);
/* By kind, then by name: below 0 when a comes first, as strcmp(). */
int child_order(const struct child_ref *a, const struct child_ref *b);
/* "pod digits-worker-0-1" */
const char *child_text(struct arena *a, const struct child_ref *child);
/* Whether both are workers, of different attempts. */
bool child_is_of_other_attempt(const struct child_ref *a, const struct child_ref *b);

/* Read from the API server's message, as its Status carries no cause for these. */
enum refusal_cause refusal_cause(const struct refusal *r);
/* NULL when nothing was refused, or only a worker of another attempt than that. */
const struct refusal *refusal_of_attempt(const struct refusal *r, int32_t attempt);

#endif
