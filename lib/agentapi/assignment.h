/*
 * The assignment: what the operator passes to the agent of one worker, as one JSON
 * value in the variable ENV_ASSIGNMENT of its container. It is immutable once the
 * pod exists.
 *
 * One struct and one table of fields for both sides: a field that one of them
 * writes is one that the other reads. Texts are "" when absent, and borrowed:
 * encoding copies them, a decoded assignment lives as long as its arena.
 */
#ifndef AGENTAPI_ASSIGNMENT_H
#define AGENTAPI_ASSIGNMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "data/lineage.h"

/* Operator and worker image of a new pod are of one release; pods made before an upgrade keep their agent. */
#define ASSIGNMENT_VERSION 2

struct assignment_key {
    const char *name, *kms_key_name, *wrapped_keyset;
};

struct assignment_input {
    const char *name, *uri, *key_name, *associated_data;
};

/* A checkpoint that attempts could not go on from. Snapshots since then are not restored, but for those that
 * attempts from `until_attempt` on have committed. */
struct passed_over {
    struct lineage at;     /* the first snapshot that has it */
    int32_t until_attempt; /* the first attempt that began without it; 0: none is passed over */
};

struct assignment {
    const char *job_namespace, *job, *job_uid;
    const char *metadata_url, *kms_url, *storage_url;
    const char *ca_bundle;                         /* PEM, of the three services; "" = the image's */
    const char *checkpoints_uri, *checkpoints_key; /* "" = none; the URI ends with a slash */
    const char *checkpoints_anchor; /* digest of a manifest that the job has committed; "" = none */
    struct passed_over checkpoints_passed_over;
    const char *output_uri, *output_key;  /* "" = none; the URI ends with a slash */
    const char *reports_url, *reports_ca; /* "" = the operator takes no reports; PEM */
    const struct assignment_key *keys;
    size_t key_count;
    const struct assignment_input *inputs;
    size_t input_count;
    int64_t input_limit_bytes;  /* what inputs and restored checkpoint may take */
    int64_t agent_memory_bytes; /* the memory limit of the agent's container, less input_limit_bytes */
    int32_t version;            /* set by assignment_encode */
    int32_t attempt;            /* from 1 */
    int32_t index;              /* 0 to replicas - 1 */
    int32_t replicas;
    int32_t connections;                 /* for one transfer, 1 to ASSIGNMENT_CONNECTIONS_MAX */
    int32_t progress_port, metrics_port; /* pod.h; 0 = none */
    bool require_hsm;
    bool must_publish; /* this worker publishes the output */
    /* Of the worker's own pod. Not sent, for the operator cannot know it: the agent sets it (ENV_POD_UID). */
    const char *pod_uid;
};

enum { ASSIGNMENT_CONNECTIONS_MAX = 64 };

/* Everything absent; require_hsm is true, the safe default, and agent_memory_bytes the chart's. */
#define ASSIGNMENT_NONE                                                                                      \
    ((struct assignment){.job_namespace = "",                                                                \
                         .job = "",                                                                          \
                         .job_uid = "",                                                                      \
                         .metadata_url = "",                                                                 \
                         .kms_url = "",                                                                      \
                         .storage_url = "",                                                                  \
                         .ca_bundle = "",                                                                    \
                         .checkpoints_uri = "",                                                              \
                         .checkpoints_key = "",                                                              \
                         .checkpoints_anchor = "",                                                           \
                         .output_uri = "",                                                                   \
                         .output_key = "",                                                                   \
                         .reports_url = "",                                                                  \
                         .reports_ca = "",                                                                   \
                         .pod_uid = "",                                                                      \
                         .agent_memory_bytes = INT64_C(64) << 20,                                            \
                         .index = -1,                                                                        \
                         .require_hsm = true})

/* A new reference. The same assignment gives the same bytes. */
json_t *assignment_encode(const struct assignment *from) MUST_CHECK;
/* ERR_INVALID when it is of another version, or names no job, attempt or worker. Borrows from the tree; lists
 * are the arena's. */
int assignment_decode(const json_t *tree, struct arena *a, struct assignment *ret, struct err *e) MUST_CHECK;

#endif
