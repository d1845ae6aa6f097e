/*
 * The operator's configuration, as far as planning and rendering read it: flags that the chart sets from its
 * values (operator/flags.h). Constant over the life of the process, which owns all texts.
 */
#ifndef MODEL_OPERATOR_CONFIG_H
#define MODEL_OPERATOR_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

struct config {
    const char *worker_image;
    const char *worker_pull_policy; /* "" = Kubernetes' default */
    const char *metadata_url;
    const char *kms_url;
    const char *storage_url;
    const char *pubsub_url;
    const char *report_url;           /* where agents post reports; "" = no reports */
    const char *report_ca;            /* PEM: the CA of that endpoint */
    const char *ca_bundle;            /* PEM: CA of the other endpoints; "" = the image's own */
    const json_t *worker_tolerations; /* array or NULL; added to every worker */
    const json_t *image_pull_secrets; /* array of {name} or NULL; for the worker image */
    int64_t agent_memory_bytes;       /* limit of the agent, without the staged data */
    int64_t agent_cpu_millis;         /* request */
    int64_t run_as_user;              /* of jobs that set none */
    int32_t grace_seconds;            /* terminationGracePeriodSeconds of workers */
    int32_t reserve_seconds;     /* part of it that is reserved for publishing after the program has exited */
    int32_t connections;         /* parallel transfers of one agent */
    int32_t unreachable_seconds; /* toleration of not-ready and unreachable nodes */
    const char *operator_namespace;  /* to which workers may connect to report; "" = none */
    const char *metrics_namespace;   /* from which workers may be scraped; "" = none */
    const json_t *additional_egress; /* array of {cidr, ports} or NULL; for every job */
    bool has_inter_node_encryption;  /* the cluster encrypts traffic between nodes */

    const char *const *notification_targets; /* names of the defined targets */
    size_t notification_target_count;
};

#endif
