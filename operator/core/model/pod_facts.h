/*
 * A pod reduced to the fields that plan() reads. Pure; the only failure is a pod without name or uid.
 */
#ifndef MODEL_POD_FACTS_H
#define MODEL_POD_FACTS_H

#include "api/job.h"
#include "base/view.h"

enum pod_phase { POD_PENDING, POD_RUNNING, POD_SUCCEEDED, POD_FAILED, POD_UNKNOWN };
enum container_state { CONTAINER_NONE, CONTAINER_WAITING, CONTAINER_RUNNING, CONTAINER_TERMINATED };

/* Facts of one container status. */
struct container_facts {
    enum container_state state;
    int32_t restarts;
    int32_t exit_code; /* of state Terminated */
    int32_t signal;
    const char *reason;  /* of state Waiting or Terminated */
    const char *message; /* the same; for a terminated container its termination message */
    uint64_t image;      /* a hash of imageID; 0 until that is known */
    /* Of state Terminated, else of the last termination before; 0 = none. */
    int64_t finished_us;
};

/* Conditions that every pod has; pod_facts.c lists their types. */
#define USUAL_CONDITIONS 5

/* How a pod's nodeSelector, to which queues add labels, relates to the technology that its affinity requires.
 */
enum selection { SELECTION_SILENT, SELECTION_SAME, SELECTION_OTHER };

/*
 * A pod reduced to what plan() reads: one heap block, freed with free(). Strings are "" when absent.
 */
struct pod_facts {
    const char *ns;
    const char *name;
    const char *uid;
    const char *resource_version;
    const char *job_uid;   /* label */
    const char *job_name;  /* label */
    const char *owner_uid; /* of the controller reference */
    const char *node;      /* "" = not bound */
    int64_t created_us;
    int64_t started_us;  /* status.startTime */
    int64_t deletion_us; /* metadata.deletionTimestamp: the end of its grace period, 0 = not being deleted */
    bool is_deleting;
    bool is_forced; /* being deleted with a grace period of 0 */
    bool is_ready;
    bool is_changed;       /* differs from what the operator created (ANNOTATION_FINGERPRINT) */
    bool is_gated;         /* it has a scheduling gate */
    bool is_group_over;    /* its pod group accepts no more pods */
    bool is_image_changed; /* an imageID differs from the one that this pod had before */
    /* Statuses of conditions by their first letter, for failurePolicy.rules. Compact, as thousands of pods
     * are cached and most have the usual conditions only. */
    char usual_conditions[USUAL_CONDITIONS]; /* '\0' = absent */
    enum pod_phase phase;
    int32_t attempt; /* label; -1 = none */
    int32_t index;   /* label; -1 = none */
    int32_t agent_ended_code;
    enum selection selection;
    int32_t selector_count;        /* entries of its nodeSelector */
    enum technology technology;    /* that its affinity requires; TECHNOLOGY_COUNT = none */
    const char *group;             /* Kueue's pod group, "" = none */
    const char *reason;            /* status.reason: Evicted, NodeLost, OutOfcpu, ... */
    const char *message;           /* status.message */
    const char *disruption_reason; /* of condition DisruptionTarget or TerminationTarget True, "" = none */
    const char *disruption_message;
    const char *other_conditions;      /* "DisruptionTarget=T\n..." */
    const char *agent_ended_reason;    /* of the agent's last termination before its current state */
    const char *unschedulable_message; /* of condition PodScheduled=False, reason Unschedulable */
    struct container_facts install;
    struct container_facts agent;
    struct container_facts trainer;
};

/*
 * Reduces a pod's JSON. `previous` is the same pod's facts from before, or NULL; it gives the image ids to
 * compare with. NULL when the object has no name or uid. The caller frees the result.
 */
struct pod_facts *pod_facts_new(struct view pod, const struct pod_facts *previous) MUST_CHECK;
/* The caller frees it. */
struct pod_facts *pod_facts_copy(const struct pod_facts *p) MUST_CHECK;

/* Whether the pod has a condition of that type and status ("True", "False", "Unknown"). */
bool pod_has_condition(const struct pod_facts *p, const char *type, const char *status);

#endif
