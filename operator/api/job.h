/*
 * A TrainingJob as C structs: the fields that the operator reads and writes.
 *
 * A job is read by job_decode() (api/job_decode.h), its status is written by status_encode()
 * (api/status_json.h). A job borrows: strings and json_t members point into the tree it was decoded from,
 * arrays live in the arena; both must outlive it. Times are microseconds since the Unix epoch, 0 = not set.
 * Strings are never NULL unless their comment says so; an absent optional string is "". Nothing here fails.
 */
#ifndef API_JOB_H
#define API_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "agentapi/assignment.h"
#include "agentapi/report.h"
#include "base/arena.h"
#include "base/err.h"

#define REPLICAS_MAX             1000
#define ATTEMPTS_MAX             1000000000
#define FAILURES_MAX             5
#define CONDITIONS_MAX           8
#define STATUS_NODES_MAX         REPLICAS_MAX
#define NOTIFICATIONS_MAX        8
#define NOTIFICATION_TARGETS_MAX 8 /* the CRD's maxItems of spec.notifications */

/* Confidential-computing technologies; the order of the CRD's enum. */
enum technology { TECHNOLOGY_SEV, TECHNOLOGY_SEV_SNP, TECHNOLOGY_TDX, TECHNOLOGY_COUNT };

/* "SEV", "SEV_SNP", "TDX": the value of GKE's node label, too. */
const char *technology_name(enum technology t);
/* TECHNOLOGY_COUNT when it is not the name of a technology. */
enum technology technology_from_name(const char *name);

enum job_phase {
    PHASE_PENDING,
    PHASE_QUEUED,
    PHASE_STARTING,
    PHASE_STAGING,
    PHASE_RUNNING,
    PHASE_RESTARTING,
    PHASE_PUBLISHING,
    PHASE_SUSPENDED,
    PHASE_FAILING,
    PHASE_SUCCEEDED,
    PHASE_FAILED,
    PHASE_COUNT,
};

const char *phase_name(enum job_phase phase);
/* PHASE_PENDING when it is not the name of a phase. */
enum job_phase phase_from_name(const char *name);

struct job_key {
    const char *name;
    const char *kms_key_name;
    const char *wrapped_keyset; /* base64 */
};

struct job_input {
    const char *name;
    const char *uri; /* ends in "/": a prefix */
    const char *key_name;
    const char *associated_data; /* "Object", "Relative", "Fixed:<text>" */
};

/* The CRD's enums, in its order; the first of each is the default. */
enum spot { SPOT_NEVER, SPOT_PREFER, SPOT_ONLY };
enum framework { FRAMEWORK_NONE, FRAMEWORK_PYTORCH, FRAMEWORK_TENSORFLOW, FRAMEWORK_JAX, FRAMEWORK_XGBOOST };
enum logs { LOGS_NODE, LOGS_DISCARD };
enum clean_pods { CLEAN_PODS_RUNNING, CLEAN_PODS_ALL, CLEAN_PODS_NONE };
enum egress { EGRESS_GOOGLE_APIS, EGRESS_RESTRICTED_VIP, EGRESS_UNRESTRICTED };
enum worker_traffic { WORKER_TRAFFIC_NODE_ENCRYPTED, WORKER_TRAFFIC_ACCEPT_PLAIN };
enum volume_kind { VOLUME_CONFIG_MAP, VOLUME_SECRET, VOLUME_MEMORY };
enum rule_action { RULE_FAIL_JOB, RULE_IGNORE, RULE_COUNT };
enum rule_operator { RULE_IN, RULE_NOT_IN };

struct job_volume {
    const char *name;
    const char *mount_path;
    enum volume_kind kind;
    const char *source; /* name of the ConfigMap or Secret */
    bool is_optional;
    int64_t size_bytes; /* of kind Memory */
};

/* One of failurePolicy.rules: exit codes, or (with exit_codes NULL) conditions. */
struct job_rule {
    enum rule_action action;
    enum rule_operator op;
    const json_t *exit_codes; /* array of numbers or NULL */
    const json_t *conditions; /* array of {type, status} or NULL */
};

struct job_trainer {
    const char *image;
    const char *working_dir; /* "" = the image's */
    const json_t *command;   /* array of strings, never NULL in a valid spec */
    const json_t *args;      /* array or NULL */
    const json_t *env;       /* array of core/v1 EnvVar (the schema's subset) or NULL */
    const json_t *limits;    /* object of quantities or NULL */
    const json_t *requests;  /* object of quantities or NULL */
    int64_t run_as_user;     /* 0 = the chart's default */
    enum framework framework;
    enum logs logs;
    const json_t *ports; /* array of core/v1 ContainerPort (the schema's subset) or NULL */
    const struct job_volume *volumes;
    size_t volume_count;
};

struct job_failure_policy {
    int32_t max_restarts;
    int32_t max_disruptions; /* -1 = no limit */
    int32_t backoff_seconds;
    int32_t termination_timeout_seconds; /* 0 = never force-delete */
    const struct job_rule *rules;
    size_t rule_count;
};

struct job_network {
    enum egress egress;
    const json_t *additional_egress; /* array of {cidr, ports} or NULL */
    enum worker_traffic worker_traffic;
};

struct job_spec {
    bool suspend;
    const char *managed_by; /* "" = this operator */
    const char *service_account_name;
    enum technology technologies[TECHNOLOGY_COUNT]; /* in order of preference, each once */
    size_t technology_count;
    int32_t fallback_after_seconds; /* 0 = never */
    enum spot spot;
    bool require_hsm;
    int32_t replicas;
    struct job_trainer trainer;
    const json_t *node_selector; /* object or NULL */
    const json_t *tolerations;   /* array or NULL */
    const char *priority_class_name;
    const char *compute_class;        /* "" = none */
    const json_t *image_pull_secrets; /* array or NULL */
    int64_t input_limit_bytes;
    int64_t output_limit_bytes;
    const struct job_key *keys;
    size_t key_count;
    const struct job_input *inputs;
    size_t input_count;
    const char *checkpoints_uri; /* "" = none; ends in "/" */
    const char *checkpoints_key_name;
    const char *output_uri; /* "" = none; ends in "/" */
    const char *output_key_name;
    struct job_failure_policy failure_policy;
    int64_t active_deadline_seconds; /* 0 = none */
    enum clean_pods clean_pods;
    int32_t ttl_seconds; /* after the end; -1 = never */
    struct job_network network;
    const json_t *notifications; /* array of names or NULL */
};

/* Counts of the current attempt's pods. */
struct status_workers {
    int32_t ready;  /* inputs staged, program running */
    int32_t active; /* not terminated */
    int32_t succeeded;
    int32_t failed;
    const char *summary; /* "1/2": ready or succeeded, of all */
    /* "1,3-5": workers that have succeeded and whose pods may be deleted; "" = none. See api/indexes.h. */
    const char *completed_indexes;
};

struct status_failure {
    int32_t attempt;
    const char *pod;
    const char *node;
    const char *container;
    int32_t exit_code; /* -1 = unknown, and then not written */
    int32_t signal;    /* 0 = none, and then not written */
    const char *failure_class;
    const char *reason;
    const char *message;
    int64_t time_us;
};

struct status_condition {
    const char *type;
    const char *status; /* "True", "False", "Unknown" */
    const char *reason;
    const char *message;
    int64_t transition_us;
    int64_t observed_generation;
};

/* Progress as the program reports it, in the form of Kubeflow Trainer. */
struct status_progress {
    int32_t percentage;        /* -1 = unknown */
    int32_t remaining_seconds; /* -1 = unknown */
    const json_t *metrics;     /* array of {"name", "value"}, checked; NULL = none */
    int64_t updated_us;        /* 0 = none reported yet */
};

/* A notification that some targets have not received yet. */
struct status_notification {
    const char *id;   /* "<job's uid>.<type>.<attempt>": the same in every delivery of it */
    const char *type; /* "started", "restarted", "succeeded", "failed", "security" */
    int32_t attempt;
    int64_t time_us;
    const char *failure_class; /* of the failure; "" = none */
    const char *reason;
    const char *message;
    const char *targets[NOTIFICATION_TARGETS_MAX];
    size_t target_count;
};

/* What the current attempt began with, and how many attempts in a row that did so have failed by the program
 * itself without committing a newer checkpoint. */
struct status_restored {
    struct restored_ref checkpoint; /* name "" = nothing */
    int32_t by_attempt;             /* which attempt reported it */
    int32_t failures;               /* before that one */
};

/* A checkpoint that attempts could not go on from. */
struct status_passed_over {
    const char *name; /* "" = none */
    struct passed_over range;
};

struct job_status {
    int64_t observed_generation;
    enum job_phase phase;
    const char *reason;
    const char *message;
    int32_t attempt; /* 0 = none yet; in status before its pods exist */
    int32_t restarts;
    int32_t disruptions;
    int64_t start_time_us;
    int64_t finish_time_us;
    struct status_workers workers;
    /* Failures in a row without 600 s of health in between, and the wall time at which the next attempt may
     * start. */
    int32_t backoff_failures;
    int64_t backoff_until_us;
    struct status_failure failures[FAILURES_MAX]; /* oldest first */
    size_t failure_count;
    struct status_condition conditions[CONDITIONS_MAX]; /* sorted by type */
    size_t condition_count;
    const char *technology;           /* of the nodes; "" = no node yet */
    const char *requested_technology; /* of the current attempt; "" = none yet */
    const char *const *nodes;         /* sorted, without repetition */
    size_t node_count;
    struct status_progress progress;
    struct checkpoint_ref checkpoint;
    struct status_restored restored;
    struct status_passed_over passed_over;
    struct output_ref output;
    struct status_notification notifications[NOTIFICATIONS_MAX]; /* pending, oldest first */
    size_t notification_count;
};

struct job {
    const char *ns;
    const char *name;
    const char *uid;
    const char *resource_version;
    int64_t generation;
    int64_t created_us;
    bool is_deleting;
    const json_t *labels;      /* object or NULL */
    const json_t *annotations; /* object or NULL */
    const char *spec_problem;  /* why the spec is invalid: a sentence; NULL = it is valid */
    struct job_spec spec;      /* usable only when spec_problem is NULL */
    struct job_status status;
};

/* False: spec.managedBy names another controller, and the job must not be touched. */
bool job_is_ours(const struct job *j);

/* The job's Kueue queue; "" = none. */
const char *job_queue(const struct job *j);

/* What the current attempt requests: that of the status if the spec lists it, else the first of the spec. */
enum technology job_technology(const struct job *j);

/* An empty status: phase Pending, all texts "". */
void status_init(struct job_status *s);

/* NULL when it has no condition of that type. */
const struct status_condition *status_condition(const struct job_status *s, const char *type);
/* Nothing is known. */
#define PROGRESS_NONE ((struct status_progress){.percentage = -1, .remaining_seconds = -1})

/* Succeeded or Failed, which are final. */
bool phase_is_finished(enum job_phase phase);
bool status_is_finished(const struct job_status *s);
/* Failing or Failed: the failure is final, but in phase Failing workers are still being stopped. */
bool status_is_failed(const struct job_status *s);
/* The current attempt was ended by suspension, which clears startTime. */
bool status_is_suspended(const struct job_status *s);

#endif
