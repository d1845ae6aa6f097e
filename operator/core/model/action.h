/*
 * What plan() may ask for: a closed set.
 *
 * Order matters in three places. ACTION_SET_STATUS comes first if the status changes, and what follows is
 * done only after the API server has accepted it: a decision is recorded before it is acted on. If the status
 * does not change, ACTION_CONFIRM_JOB comes first until the job has finished, so that nothing is written on a
 * stale view. And pods are created after the NetworkPolicy that precedes them in the plan. Other actions do
 * not depend on one another. When an action fails, the reconcile ends, and the next one makes a new plan.
 */
#ifndef MODEL_ACTION_H
#define MODEL_ACTION_H

#include "api/job.h"
#include "base/arena.h"

enum action_kind {
    ACTION_SET_STATUS,     /* status: PUT on the status subresource with the job's resourceVersion */
    ACTION_CONFIRM_JOB,    /* read: the job still has the resourceVersion that was planned on */
    ACTION_CREATE_SERVICE, /* render_service() */
    ACTION_CREATE_POLICY,  /* render_policy() without pods */
    ACTION_UPDATE_POLICY,  /* attempt, pods, version: render_policy(), PUT */
    ACTION_CREATE_POD,     /* attempt, index, technology, group: render_pod() */
    ACTION_DELETE_POD,     /* name, uid (precondition), grace_seconds */
    ACTION_END_GROUP,      /* name of a pod: no more pods are added to its pod group */
    ACTION_DELETE_SERVICE, /* name, uid (precondition) */
    ACTION_DELETE_POLICY,  /* name, uid (precondition) */
    ACTION_ASK_AUTOSCALER, /* name, uid of a pod: its events, for world.scaling */
    ACTION_EVENT,          /* type, reason, note: about the job */
    ACTION_WAKE_AT,        /* at_us: plan again then, unless something happens before; at most one, last */
};

/* A pod that owns another object. */
struct pod_owner {
    const char *name;
    const char *uid;
};

struct action {
    enum action_kind kind;
    const char *why;                 /* one line for the log */
    const struct job_status *status; /* SET_STATUS */
    int32_t attempt;                 /* CREATE_POD, UPDATE_POLICY */
    int32_t index;                   /* CREATE_POD */
    enum technology technology;      /* CREATE_POD */
    struct passed_over passed_over;  /* CREATE_POD */
    const char *group;               /* CREATE_POD: Kueue's pod group, "" = none */
    const char *name;                /* CREATE_*, UPDATE_*, DELETE_*, ASK_*: the object's name */
    const char *version;             /* UPDATE_POLICY: its resourceVersion */
    const struct pod_owner *pods;    /* UPDATE_POLICY: its owners besides the job */
    size_t pod_count;
    const char *uid;       /* DELETE_*, ASK_* */
    int32_t grace_seconds; /* DELETE_POD: -1 = the pod's own, 0 = by force */
    const char *type;      /* EVENT: "Normal" or "Warning" */
    const char *reason;    /* EVENT */
    const char *note;      /* EVENT: at most 1024 bytes */
    const char *pod;       /* EVENT: a pod that it is also about; NULL = none */
    const char
        *part;     /* EVENT: the field path that it is about, as "spec.notifications{ops}"; NULL = the job */
    int64_t at_us; /* WAKE_AT: wall time */
};

/* "CREATE_POD", ... */
const char *action_kind_name(enum action_kind kind);
/* What the log says when it is carried out: "creating pod", ... */
const char *action_description(enum action_kind kind);

/*
 * The action with its texts and pods in the arena, so that it outlives what plan() borrowed them from.
 * `status` is not copied: plan() made it in its own arena, and it is written before anything else happens.
 * A new member that is a text needs a row in action.c; t_action fails without it.
 */
struct action action_copy(const struct action *from, struct arena *a);

#endif
