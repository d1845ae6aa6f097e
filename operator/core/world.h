/*
 * The world as plan() sees it: one job, what belongs to it, and the time.
 *
 * Everything is const and borrowed for the length of one pass. The shell fills
 * it from its caches (operator/shell/observe.c); tests fill it from JSON.
 *
 * What the shell must keep to:
 *   - `pods` holds every pod that carries the job's uid in LABEL_JOB_UID, in any order and of any attempt,
 * and is at least as new as the job's own status (list jobs first, then pods, each with a consistent read);
 *   - a world that does not yet hold this process's own writes is not planned on;
 *   - `nodes` holds at least the nodes that the pods are bound to, as far as they exist.
 */
#ifndef CORE_WORLD_H
#define CORE_WORLD_H

#include "api/job.h"

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
    int64_t
        finished_us; /* of state Terminated, else its end before the present state; 0 = it has not ended */
};

/* Conditions that every pod has; pod_condition() knows their types. */
#define USUAL_CONDITIONS 5

/* What a pod's nodeSelector, to which queues add, says of the technology that its affinity asks for. */
enum selection { SELECTION_SILENT, SELECTION_SAME, SELECTION_OTHER };

/*
 * A pod reduced to what plan() reads: one heap block, freed with free(). Strings are "" when absent.
 */
struct pod_facts {
    const char *namespace;
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
    bool is_changed;       /* differs from what was sent (ANNOTATION_FINGERPRINT) */
    bool is_gated;         /* a scheduling gate holds it back */
    bool is_group_over;    /* its pod group takes no more pods */
    bool is_image_changed; /* an imageID differs from the one that this pod had before */
    /* Statuses of conditions by their first letter, for failurePolicy.rules. Thousands of pods are cached,
     * and most have the usual ones only. */
    char usual_conditions[USUAL_CONDITIONS]; /* '\0' = absent */
    enum pod_phase phase;
    int32_t attempt; /* label; -1 = none */
    int32_t index;   /* label; -1 = none */
    int32_t agent_ended_code;
    enum selection selection;
    int32_t selector_count;        /* entries of its nodeSelector */
    enum technology technology;    /* that its required affinity asks for; TECHNOLOGY_COUNT = none */
    const char *group;             /* Kueue's pod group, "" = none */
    const char *reason;            /* status.reason: Evicted, NodeLost, OutOfcpu, ... */
    const char *message;           /* status.message */
    const char *disruption_reason; /* of condition DisruptionTarget or TerminationTarget True, "" = none */
    const char *disruption_message;
    const char *other_conditions;      /* "DisruptionTarget=T\n..." */
    const char *agent_ended_reason;    /* of the agent's last end before its present state */
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

/*
 * What the agent of a pod posted last, authenticated as that pod's: one heap block, freed with free(). Texts
 * are "" when absent.
 */
struct posted_facts {
    const char *pod_uid;
    const char *stage;  /* identity, keys, staging, running, publishing, done */
    const char *reason; /* of a failure; "" = none */
    const char *class;
    const char *message;
    int32_t exit_code; /* of the program; -1 = it has not ended */
    struct status_checkpoint checkpoint;
    const char *progress; /* JSON in Kubeflow Trainer's form */
};

/* ERR_INVALID when it is no report, or not that pod's. The caller frees the result. */
struct posted_facts *posted_facts_new(const json_t *report, const struct pod_facts *pod,
                                      struct err *e) MUST_CHECK;

struct node_facts {
    const char *name;
    const char *technology; /* value of LABEL_NODE_TECHNOLOGY, "" = not confidential */
    bool is_ready;
    bool is_spot;
};

/* Reduces a node object; one heap block, freed with free(). NULL when it has no name. */
struct node_facts *node_facts_new(const json_t *node) MUST_CHECK;

/* A Service or NetworkPolicy. */
struct child_facts {
    const char *namespace;
    const char *name;
    const char *uid;
    const char *resource_version;
    const char *job_uid;   /* label */
    const char *job_name;  /* label */
    const char *owner_uid; /* of the controller reference */
    int32_t attempt;       /* label: the attempt whose pods own it as well; -1 = none */
    bool is_deleting;
    bool is_changed; /* a NetworkPolicy that differs from what was sent */
};

struct child_facts *service_facts_new(const json_t *service) MUST_CHECK;
struct child_facts *policy_facts_new(const json_t *policy) MUST_CHECK;

struct namespace_facts {
    const char *name;
    bool is_confidential; /* LABEL_CONFIDENTIAL_NAMESPACE is "true" */
    bool is_deleting;
};

struct namespace_facts *namespace_facts_new(const json_t *namespace) MUST_CHECK;

/* What the API server answered to the last create that it refused; kept by the shell, in memory only. */
struct refusal {
    const char *object; /* "pod digits-worker-0-1"; "" = nothing was refused since the last success */
    const char *message;
    int64_t at_us;
    int32_t count; /* refusals in a row */
    bool is_told;  /* a status that tells of it was written */
};

/* Of "pod digits-worker-0-1" the attempt, 1; 0 = of another object. */
int32_t refusal_attempt(const char *object);

enum scaling_word { SCALING_UNKNOWN, SCALING_UP, SCALING_REFUSED };

/* What the cluster autoscaler says of a pod that finds no node; kept by the shell, in memory only. */
struct scaling {
    const char *pod_uid; /* "" = it was not asked for */
    enum scaling_word word;
    const char *message;
    int64_t asked_us;
};

/* The newest word among a pod's events (a list of core/v1 Event). Texts are borrowed from them. */
struct scaling scaling_of_events(const json_t *list);

/* A target has taken the event with that id; known to the shell, in memory only. */
struct notified {
    const char *id;
    const char *target;
};

/* What the chart's values say; constant over the life of the process. See operator/main.c for the flags. */
struct config {
    const char *worker_image;
    const char *worker_pull_policy; /* "" = Kubernetes' default */
    const char *metadata_url;
    const char *kms_url;
    const char *storage_url;
    const char *pubsub_url;
    const char *report_url;           /* where agents post reports; "" = nowhere */
    const char *report_ca;            /* PEM: whom they trust there */
    const char *ca_bundle;            /* PEM, "" = the system's */
    const json_t *worker_tolerations; /* array or NULL; added to every worker */
    const json_t *image_pull_secrets; /* array of {name} or NULL; for the worker image */
    int64_t agent_memory_bytes;       /* what the agent needs beside the staged data */
    int64_t agent_cpu_millis;         /* request */
    int64_t run_as_user;              /* for jobs that do not say */
    int32_t grace_seconds;            /* terminationGracePeriodSeconds of workers */
    int32_t reserve_seconds;          /* of them, kept for publishing after the command has ended */
    int32_t connections;              /* parallel transfers of one agent */
    int32_t unreachable_seconds;      /* toleration of not-ready and unreachable nodes */
    const char *operator_namespace;   /* of the operator, where workers may report; "" = none */
    const char *metrics_namespace;    /* from where workers may be scraped; "" = none */
    const json_t *additional_egress;  /* array of {cidr, ports} or NULL; for every job */
    bool has_inter_node_encryption;   /* the cluster encrypts what nodes say to one another */

    const char *const *notification_targets; /* names of those that are defined */
    size_t notification_target_count;
};

struct world {
    int64_t now_us;
    const struct config *config;
    const struct job *job;
    const struct namespace_facts *namespace; /* NULL = not in the cache yet: nothing is decided */
    const struct child_facts *service;       /* the one named name_service(), NULL = absent */
    const struct child_facts *policy;        /* the one named name_policy(), NULL = absent */
    const struct pod_facts *const *pods;
    size_t pod_count;
    /* Workers that have gone since the last pass, as they were seen last; kept by the shell, in memory only.
     * A pod that left while nobody looked is not among them. */
    const struct pod_facts *const *departed;
    size_t departed_count;
    const struct node_facts *const *nodes;
    size_t node_count;
    const struct posted_facts *const *reports; /* of those pods, sorted by pod_uid; advice, never needed */
    size_t report_count;
    int32_t confidential_nodes[TECHNOLOGY_COUNT]; /* in the whole cluster, by label */
    int32_t spot_nodes[TECHNOLOGY_COUNT];         /* Spot VMs among them */
    struct refusal refusal;
    struct scaling scaling;
    const struct notified *notified; /* of this job's pending notifications */
    size_t notified_count;
    /* A status that only tells how far things are is not written before; 0 = one may be written now. */
    int64_t status_after_us;
};

#endif
