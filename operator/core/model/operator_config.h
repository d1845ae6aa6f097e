/*
 * The chart's values, as far as planning and rendering read them.
 */
#ifndef MODEL_OPERATOR_CONFIG_H
#define MODEL_OPERATOR_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

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

#endif
