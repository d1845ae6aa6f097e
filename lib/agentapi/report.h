/*
 * The report: the state of a worker as its agent reports it, a JSON object. It is
 * the termination message of the agent's container, rewritten at each change, and is
 * posted to the operator while the agent runs. The trainer can write neither.
 *
 * One struct and one table of fields for both sides. Texts are "" when absent, and
 * borrowed: encoding copies them, a decoded report lives as long as its tree.
 */
#ifndef AGENTAPI_REPORT_H
#define AGENTAPI_REPORT_H

#include <jansson.h>
#include <stdint.h>

#include "agentapi/failures.h"
#include "base/attr.h"
#include "base/err.h"
#include "data/lineage.h"

/* Workers outlive an upgrade of the operator: a report of an earlier release must be understood. */
#define REPORT_VERSION 1
/* The limit of a termination message: the kubelet truncates it. */
#define REPORT_BYTES_MAX 4096

enum report_result { RESULT_RUNNING, RESULT_FAILED, RESULT_SUCCEEDED };

/* In this order. */
enum report_stage {
    STAGE_NONE,     /* of another release's agent */
    STAGE_IDENTITY, /* getting a token of the job's service account */
    STAGE_KEYS,     /* opening the keysets */
    STAGE_STAGING,  /* fetching inputs and the checkpoint */
    STAGE_RUNNING,  /* the program may run */
    STAGE_PUBLISHING,
    STAGE_DONE,
};

struct checkpoint_ref {
    const char *uri; /* of the manifest; "" = none */
    const char *name;
    int64_t step;     /* -1 = not known */
    const char *time; /* RFC 3339 */
    const char *manifest_sha256;
    struct lineage at; /* its attempt is that of the worker which reports it */
};

/* What an attempt began with. */
struct restored_ref {
    const char *name;  /* of the newest checkpoint in it; "" = nothing was restored */
    struct lineage at; /* of the first snapshot that has this checkpoint */
};

struct output_ref {
    const char *uri; /* "" = none */
    const char *manifest_sha256;
};

struct report {
    const char *pod_uid;
    const char *reason;               /* of a failure (failures.h); "" = none */
    const char *message;              /* a sentence with the remedy */
    const char *warning;              /* what a person should know though nothing failed: sentences */
    struct checkpoint_ref checkpoint; /* that this worker committed last */
    struct restored_ref restored;
    struct output_ref output; /* that it published */
    const json_t *progress;   /* in Kubeflow Trainer's form; NULL = none. What is decoded is not checked */
    int32_t version;          /* set by report_encode */
    int32_t attempt;
    int32_t index;
    int32_t exit_code; /* of the program; -1 = it has not ended */
    enum report_result result;
    enum report_stage stage;
    enum failure_class failure_class;
};

/* Everything absent. */
#define REPORT_NONE                                                                                          \
    ((struct report){.pod_uid = "",                                                                          \
                     .reason = "",                                                                           \
                     .message = "",                                                                          \
                     .warning = "",                                                                          \
                     .checkpoint = {.uri = "", .name = "", .time = "", .manifest_sha256 = ""},               \
                     .restored = {.name = ""},                                                               \
                     .output = {.uri = "", .manifest_sha256 = ""},                                           \
                     .attempt = -1,                                                                          \
                     .index = -1,                                                                            \
                     .exit_code = -1})

/* "identity", "keys", ...; "" for STAGE_NONE. */
const char *report_stage_name(enum report_stage stage) MUST_CHECK RETURNS_NONNULL;
/* A new reference. The same report gives the same bytes. */
json_t *report_encode(const struct report *from) MUST_CHECK;
/* ERR_INVALID when it is no report, or of another version. */
int report_decode(const json_t *tree, struct report *ret, struct err *e) MUST_CHECK;

#endif
