/*
 * The operator's configuration in tests that are not about it, as the chart's defaults
 * make it. To stand first among the members of a `struct config`; others follow.
 */
#ifndef TESTS_SUPPORT_CONFIG_H
#define TESTS_SUPPORT_CONFIG_H

#include "core/model/world.h"

#define USUAL_CONFIG                                                                                         \
    .worker_image = "registry/worker@sha256:11", .worker_pull_policy = "",                                   \
    .metadata_url = "http://169.254.169.254", .kms_url = "https://cloudkms.googleapis.com",                  \
    .storage_url = "https://storage.googleapis.com", .report_url = "", .report_ca = "", .ca_bundle = "",     \
    .agent_memory_bytes = 64 << 20, .agent_cpu_millis = 100, .run_as_user = 65532, .grace_seconds = 60,      \
    .reserve_seconds = 20, .connections = 8, .unreachable_seconds = 60,                                      \
    .operator_namespace = "cloister-system", .metrics_namespace = ""

#endif
