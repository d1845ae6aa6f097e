/*
 * The agent's plan: what the operator wrote into CLOISTER_ASSIGNMENT when it made the
 * pod, and who this pod is. Read once at the start; immutable. It borrows from
 * the JSON tree that it owns. Fails with ERR_INVALID when the operator and this
 * worker do not understand each other.
 */
#ifndef AGENT_PLAN_H
#define AGENT_PLAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct plan_key {
    const char *name, *kms_key_name, *wrapped_keyset;
};

struct plan_input {
    const char *name, *uri, *key_name, *associated_data;
};

struct plan {
    json_t *tree;
    const char *job_namespace, *job, *job_uid;
    int64_t attempt, index, replicas;
    bool require_hsm;
    const char *metadata_url, *kms_url, *storage_url, *ca_bundle; /* ca_bundle: PEM, or NULL */
    struct plan_key *keys;
    size_t key_count;
    struct plan_input *inputs;
    size_t input_count;
    const char *checkpoints_uri, *checkpoints_key; /* NULL: none */
    const char *checkpoints_anchor;      /* digest of a manifest that the job has committed; NULL: none */
    const char *output_uri, *output_key; /* NULL: none */
    bool must_publish;                   /* this worker publishes the output */
    uint64_t input_limit_bytes;
    unsigned connections;
    const char *reports_url, *reports_ca; /* NULL: the operator takes no reports */
    int64_t progress_port, metrics_port;
    const char *pod_uid; /* downward API */
};

int plan_from_environment(struct plan *ret, struct err *e) MUST_CHECK;
void plan_fini(struct plan *p);

#endif
