#include "flags.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "agentapi/assignment.h"
#include "base/alloc.h"
#include "data/js.h"
#include "data/quantity.h"
#include "os/file.h"
#include "os/loop.h"
#include "os/options.h"

#include "base/banned.h"

#define ENVIRONMENT_PREFIX "CLOISTER_"

enum { CA_BUNDLE_MAX = 64 * 1024, ROWS_MAX = 64 };

/* Values as they are given, before they are checked. */
struct raw_values {
    const char *pull_secrets, *tolerations, *agent_memory, *agent_cpu, *ca_bundle_file, *log_level, *egress,
        *notifications_file;
    bool allows_loopback;
    int64_t grace_seconds, reserve_seconds, not_ready_seconds, connections;
    int64_t lease_seconds, renew_seconds, retry_seconds;
};

static size_t describe_workers(struct flags *f, struct raw_values *raw, struct option_row *rows)
{
    struct config *c = &f->config;
    const struct option_row all[] = {
        {"Workers", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"worker-image", 0, OPTION_TEXT, &c->worker_image, "IMAGE",
         "image of the agent and of cloister-exec (required)"},
        {"worker-pull-policy", 0, OPTION_TEXT, &c->worker_pull_policy, "POLICY",
         "Always, IfNotPresent or Never (default: that of Kubernetes)"},
        {"worker-image-pull-secrets", 0, OPTION_TEXT, &raw->pull_secrets, "JSON",
         "array of {\"name\": ...}, for the worker image"},
        {"worker-tolerations", 0, OPTION_TEXT, &raw->tolerations, "JSON",
         "array of tolerations, added to every worker"},
        {"agent-memory", 0, OPTION_TEXT, &raw->agent_memory, "QUANTITY",
         "memory of the agent, in addition to the data (default: 64Mi)"},
        {"agent-cpu", 0, OPTION_TEXT, &raw->agent_cpu, "QUANTITY",
         "CPU request of the agent (default: 100m)"},
        {"run-as-user", 0, OPTION_INT, &c->run_as_user, "UID",
         "user ID of workers when the job sets none (default: 65532)"},
        {"grace-period-seconds", 0, OPTION_INT, &raw->grace_seconds, "N",
         "termination grace period of workers (default: 60)"},
        {"reserve-seconds", 0, OPTION_INT, &raw->reserve_seconds, "N",
         "part of the grace period reserved for publishing (default: 20)"},
        {"not-ready-seconds", 0, OPTION_INT, &raw->not_ready_seconds, "N",
         "how long workers stay on a NotReady or unreachable node (default: 60)"},
        {"connections", 0, OPTION_INT, &raw->connections, "N",
         "parallel transfers of each agent (default: 8)"},
        {"Endpoints", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"metadata-endpoint", 0, OPTION_TEXT, &c->metadata_url, "URL",
         "metadata server (default: http://169.254.169.254)"},
        {"kms-endpoint", 0, OPTION_TEXT, &c->kms_url, "URL",
         "Cloud KMS (default: https://cloudkms.googleapis.com)"},
        {"storage-endpoint", 0, OPTION_TEXT, &c->storage_url, "URL",
         "Cloud Storage (default: https://storage.googleapis.com)"},
        {"pubsub-endpoint", 0, OPTION_TEXT, &c->pubsub_url, "URL",
         "Pub/Sub, for notifications (default: https://pubsub.googleapis.com)"},
        {"ca-bundle-file", 0, OPTION_TEXT, &raw->ca_bundle_file, "FILE",
         "PEM certificates to trust at these endpoints (default: those of the system)"},
        {"Network", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"operator-namespace", 0, OPTION_TEXT, &c->operator_namespace, "NAMESPACE",
         "namespace of this operator, to which workers may send reports"},
        {"metrics-namespace", 0, OPTION_TEXT, &c->metrics_namespace, "NAMESPACE",
         "namespace from which workers may be scraped (default: none)"},
        {"additional-egress", 0, OPTION_TEXT, &raw->egress, "JSON",
         "array of {\"cidr\": ..., \"ports\": [...]} that every worker may connect to"},
        {"inter-node-encryption", 0, OPTION_FLAG, &c->has_inter_node_encryption, NULL,
         "declare that the cluster encrypts the traffic between nodes"},
        {"Notifications", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"notifications-file", 0, OPTION_TEXT, &raw->notifications_file, "FILE",
         "JSON file that defines the targets of notifications (default: no targets)"},
        {"notifications-to-loopback", 0, OPTION_FLAG, &raw->allows_loopback, NULL,
         "allow targets on this machine; for tests"},
    };
    memcpy(rows, all, sizeof(all));
    return ARRAY_LEN(all);
}

static size_t describe_operator(struct flags *f, struct raw_values *raw, struct option_row *rows)
{
    const struct option_row all[] = {
        {"High availability", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"leader-elect", 0, OPTION_FLAG, &f->must_be_elected, NULL,
         "reconcile jobs only while holding a Lease; required to run several operators"},
        {"leader-elect-resource-namespace", 0, OPTION_TEXT, &f->election.ns, "NAMESPACE",
         "namespace of the Lease (required with --leader-elect)"},
        {"leader-elect-resource-name", 0, OPTION_TEXT, &f->election.name, "NAME",
         "name of the Lease (default: cloister-operator)"},
        {"leader-elect-lease-seconds", 0, OPTION_INT, &raw->lease_seconds, "N",
         "lease duration: others take over after this long without renewal (default: 15)"},
        {"leader-elect-renew-seconds", 0, OPTION_INT, &raw->renew_seconds, "N",
         "renew deadline: a leader that cannot renew for this long exits (default: 10)"},
        {"leader-elect-retry-seconds", 0, OPTION_INT, &raw->retry_seconds, "N",
         "retry period: time between two tries to acquire or renew (default: 2)"},
        {"Reports of agents", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"report-address", 0, OPTION_TEXT, &f->report_address, "ADDRESS:PORT",
         "address to receive reports at, over TLS (default: agents do not report)"},
        {"report-url", 0, OPTION_TEXT, &f->config.report_url, "URL",
         "URL of the report endpoint as workers reach it"},
        {"report-cert", 0, OPTION_TEXT, &f->report_files.cert, "FILE",
         "PEM certificate for the host name in --report-url"},
        {"report-key", 0, OPTION_TEXT, &f->report_files.key, "FILE", "PEM private key of that certificate"},
        {"report-ca", 0, OPTION_TEXT, &f->report_files.ca, "FILE",
         "PEM certificates of the CA that agents trust for it"},
        {"Process", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"instance", 0, OPTION_TEXT, &f->election.identity, "NAME",
         "identity in the Lease and in events; must be unique (default: generated)"},
        {"namespace", 0, OPTION_TEXT, &f->ns, "NAMESPACE",
         "run jobs of this namespace only (default: all namespaces)"},
        {"health-address", 0, OPTION_TEXT, &f->health_address, "ADDRESS:PORT",
         "address of /healthz and /readyz (default: 0.0.0.0:8081)"},
        {"metrics-address", 0, OPTION_TEXT, &f->metrics_address, "ADDRESS:PORT",
         "address of /metrics for Prometheus, or 0 for none (default: 0)"},
        {"log-level", 0, OPTION_TEXT, &raw->log_level, "LEVEL",
         "debug, info, warning or error (default: info)"},
        {"log-level-file", 0, OPTION_TEXT, &f->log_level_file, "FILE",
         "file with the log level, which is read again while the operator runs"},
        {"kubeconfig", 0, OPTION_TEXT, &f->kubeconfig, "FILE",
         "kubeconfig file (default: $KUBECONFIG, ~/.kube/config or, in a pod, its service account)"},
        {"context", 0, OPTION_TEXT, &f->context, "NAME", "kubeconfig context (default: the current context)"},
        {"version", 0, OPTION_FLAG, &f->is_version, NULL, "print the version"},
        {"help", 'h', OPTION_FLAG, &f->is_help, NULL, "print this help"},
    };
    memcpy(rows, all, sizeof(all));
    return ARRAY_LEN(all);
}

static size_t describe(struct flags *f, struct raw_values *raw, struct option_row *rows)
{
    size_t count = describe_workers(f, raw, rows);
    return count + describe_operator(f, raw, rows + count);
}

static void set_defaults(struct flags *f, struct raw_values *raw)
{
    *f = (struct flags){.ns = "",
                        .health_address = "0.0.0.0:8081",
                        .report_address = "",
                        .report_files = {.cert = "", .key = "", .ca = ""},
                        .metrics_address = "0",
                        .log_level_file = "",
                        .log_level = LOG_LEVEL_INFO,
                        .election = {.ns = "", .name = "cloister-operator", .identity = ""}};
    f->config = (struct config){.worker_image = "",
                                .worker_pull_policy = "",
                                .metadata_url = "http://169.254.169.254",
                                .kms_url = "https://cloudkms.googleapis.com",
                                .storage_url = "https://storage.googleapis.com",
                                .pubsub_url = "https://pubsub.googleapis.com",
                                .report_url = "",
                                .report_ca = "",
                                .ca_bundle = "",
                                .operator_namespace = "",
                                .metrics_namespace = "",
                                .run_as_user = 65532};
    *raw = (struct raw_values){.agent_memory = "64Mi",
                               .agent_cpu = "100m",
                               .log_level = "info",
                               .lease_seconds = 15,
                               .renew_seconds = 10,
                               .retry_seconds = 2,
                               .grace_seconds = 60,
                               .reserve_seconds = 20,
                               .not_ready_seconds = 60,
                               .connections = 8};
}

static int check_range(const char *flag, int64_t value, int64_t least, int64_t most, struct err *e)
{
    if (value < least || value > most)
        return FAIL(e, ERR_INVALID, "--%s=%lld must be a number from %lld to %lld", flag, (long long)value,
                    (long long)least, (long long)most);
    return 0;
}

static int check_url(const char *flag, const char *url, struct err *e)
{
    size_t length = strlen(url);
    bool is_http = strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
    if (!is_http || url[length - 1] == '/')
        return FAIL(e, ERR_INVALID, "--%s=%s must be an http:// or https:// URL without a trailing slash",
                    flag, url);
    return 0;
}

static int read_array(const char *flag, const char *text, json_t **ret, struct err *e)
{
    if (text == NULL || *text == '\0')
        return 0;
    *ret = js_parse(view_from(text), flag, NULL);
    if (!json_is_array(*ret))
        return FAIL(e, ERR_INVALID, "--%s=%s must be a JSON array", flag, text);
    return 0;
}

static int read_memory(const char *text, int64_t *ret, struct err *e)
{
    if (quantity_parse(view_from(text), ret) < 0 || *ret <= 0)
        return FAIL(e, ERR_INVALID, "--agent-memory=%s must be a quantity such as 64Mi", text);
    return 0;
}

/* In thousandths: "100m" is read as "100", and "0.5" as "0.5k". */
static int read_cpu(const char *text, int64_t *ret, struct err *e)
{
    size_t length = strlen(text);
    bool is_millis = length > 0 && text[length - 1] == 'm';
    char *thousandfold CLEANUP(cleanup_free) =
        is_millis ? xstrndup(text, length - 1) : xasprintf("%sk", text);
    if (quantity_parse(view_from(thousandfold), ret) < 0 || *ret <= 0)
        return FAIL(e, ERR_INVALID, "--agent-cpu=%s must be a quantity such as 100m or 0.5", text);
    return 0;
}

static int check_policy(const char *policy, struct err *e)
{
    static const char *const policies[] = {"", "Always", "IfNotPresent", "Never"};
    for (size_t i = 0; i < ARRAY_LEN(policies); i++)
        if (strcmp(policy, policies[i]) == 0)
            return 0;
    return FAIL(e, ERR_INVALID, "--worker-pull-policy=%s must be Always, IfNotPresent or Never", policy);
}

static int check_numbers(struct config *c, const struct raw_values *raw, struct err *e)
{
    if (check_range("run-as-user", c->run_as_user, 1, INT32_MAX, e) < 0 ||
        check_range("grace-period-seconds", raw->grace_seconds, 2, 3600, e) < 0 ||
        check_range("reserve-seconds", raw->reserve_seconds, 1, raw->grace_seconds - 1, e) < 0 ||
        check_range("not-ready-seconds", raw->not_ready_seconds, 0, 86400, e) < 0 ||
        check_range("connections", raw->connections, 1, ASSIGNMENT_CONNECTIONS_MAX, e) < 0)
        return -1;
    c->grace_seconds = (int32_t)raw->grace_seconds;
    c->reserve_seconds = (int32_t)raw->reserve_seconds;
    c->unreachable_seconds = (int32_t)raw->not_ready_seconds;
    c->connections = (int32_t)raw->connections;
    return 0;
}

static int read_ca_bundle(struct flags *f, const char *path, struct err *e)
{
    if (path == NULL || *path == '\0')
        return 0;
    f->ca_bundle = file_read(path, CA_BUNDLE_MAX, NULL, e);
    if (f->ca_bundle == NULL)
        return err_wrap(e, "--ca-bundle-file");
    f->config.ca_bundle = f->ca_bundle;
    return 0;
}

/* The namespace becomes part of request paths. */
static int check_namespace(const char *ns, struct err *e)
{
    if (strlen(ns) > 63 || strspn(ns, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(ns))
        return FAIL(e, ERR_INVALID, "--namespace=%s must be the name of a namespace", ns);
    return 0;
}

/* The host name helps people; the random part makes it unique, also for two processes on one host. */
static char *generate_instance(void)
{
    char host[HOST_NAME_MAX + 1] = "";
    uint64_t random = (uint64_t)clock_wall_us();
    (void)!gethostname(host, sizeof(host) - 1);
    (void)!getrandom(&random, sizeof(random), 0);
    return xasprintf("%.64s_%016llx", host, (unsigned long long)random);
}

static int read_election(struct flags *f, const struct raw_values *raw, struct err *e)
{
    struct leader_config *c = &f->election;
    c->timing = (struct lease_timing){raw->lease_seconds * 1000, raw->renew_seconds * 1000,
                                      raw->retry_seconds * 1000};
    if (check_range("leader-elect-lease-seconds", raw->lease_seconds, 1, 3600, e) < 0 ||
        check_range("leader-elect-renew-seconds", raw->renew_seconds, 1, 3600, e) < 0 ||
        check_range("leader-elect-retry-seconds", raw->retry_seconds, 1, 3600, e) < 0 ||
        lease_timing_check(&c->timing, e) < 0)
        return -1;
    if (f->must_be_elected && *c->ns == '\0')
        return FAIL(e, ERR_INVALID, "--leader-elect requires --leader-elect-resource-namespace");
    if (*c->identity == '\0')
        c->identity = f->instance = generate_instance();
    /* The limit of reportingInstance in events. */
    if (strlen(c->identity) > 128)
        return FAIL(e, ERR_INVALID, "--instance=%s must have at most 128 characters", c->identity);
    return 0;
}

/* All of them, or none. */
static int check_reports(const struct flags *f, struct err *e)
{
    const char *const all[] = {f->report_address, f->config.report_url, f->report_files.cert,
                               f->report_files.key, f->report_files.ca};
    size_t given = 0;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        given += *all[i] != '\0';
    if (given == 0)
        return 0;
    if (given < ARRAY_LEN(all))
        return FAIL(e, ERR_INVALID,
                    "--report-address, --report-url, --report-cert, --report-key and --report-ca must be "
                    "given together");
    if (strncmp(f->config.report_url, "https://", 8) != 0)
        return FAIL(e, ERR_INVALID, "--report-url=%s must be an https:// URL", f->config.report_url);
    return check_url("report-url", f->config.report_url, e);
}

static int read_notifications(struct flags *f, const struct raw_values *raw, struct err *e)
{
    struct config *c = &f->config;
    if (check_url("pubsub-endpoint", c->pubsub_url, e) < 0)
        return -1;
    if (strncmp(c->pubsub_url, "https://", 8) != 0)
        return FAIL(e, ERR_INVALID, "--pubsub-endpoint=%s must be an https:// URL", c->pubsub_url);
    if (notify_config_read(&f->notifications, raw->notifications_file, raw->allows_loopback, e) < 0)
        return err_wrap(e, "--notifications-file");
    c->notification_targets = f->notifications.names;
    c->notification_target_count = f->notifications.count;
    return 0;
}

static int check(struct flags *f, const struct raw_values *raw, struct err *e)
{
    struct config *c = &f->config;
    if (*c->worker_image == '\0')
        return FAIL(e, ERR_INVALID, "--worker-image is required");
    if (log_level_from_name(raw->log_level, &f->log_level) < 0)
        return FAIL(e, ERR_INVALID, "--log-level=%s must be debug, info, warning or error", raw->log_level);
    if (check_policy(c->worker_pull_policy, e) < 0 || check_namespace(f->ns, e) < 0 ||
        check_url("metadata-endpoint", c->metadata_url, e) < 0 ||
        check_url("kms-endpoint", c->kms_url, e) < 0 ||
        check_url("storage-endpoint", c->storage_url, e) < 0 || read_notifications(f, raw, e) < 0 ||
        check_numbers(c, raw, e) < 0 || read_memory(raw->agent_memory, &c->agent_memory_bytes, e) < 0 ||
        read_cpu(raw->agent_cpu, &c->agent_cpu_millis, e) < 0 ||
        read_array("worker-tolerations", raw->tolerations, &f->tolerations, e) < 0 ||
        read_array("worker-image-pull-secrets", raw->pull_secrets, &f->pull_secrets, e) < 0 ||
        read_array("additional-egress", raw->egress, &f->egress, e) < 0 ||
        read_ca_bundle(f, raw->ca_bundle_file, e) < 0 || read_election(f, raw, e) < 0 ||
        check_reports(f, e) < 0)
        return -1;
    c->worker_tolerations = f->tolerations;
    c->additional_egress = f->egress;
    c->image_pull_secrets = f->pull_secrets;
    return 0;
}

int flags_parse(struct flags *f, int argc, char **argv, struct err *e)
{
    struct raw_values raw;
    struct option_row rows[ROWS_MAX];
    int arguments;
    set_defaults(f, &raw);
    size_t count = describe(f, &raw, rows);
    if (options_from_environment(rows, count, ENVIRONMENT_PREFIX, e) < 0 ||
        options_parse(rows, count, argc, argv, &arguments, e) < 0)
        return -1;
    if (f->is_help || f->is_version)
        return 0;
    if (arguments > 0)
        return FAIL(e, ERR_INVALID, "unexpected argument '%s'; --help lists the options", argv[0]);
    return check(f, &raw, e);
}

void flags_fini(struct flags *f)
{
    json_decref(f->tolerations);
    json_decref(f->pull_secrets);
    json_decref(f->egress);
    free(f->ca_bundle);
    free(f->instance);
    notify_config_fini(&f->notifications);
}

void flags_print_help(void)
{
    struct flags f;
    struct raw_values raw;
    struct option_row rows[ROWS_MAX];
    set_defaults(&f, &raw);
    printf("cloister-operator runs TrainingJobs on confidential nodes.\n\n"
           "Each option can also be set as an environment variable, for example --log-level "
           "as\n" ENVIRONMENT_PREFIX "LOG_LEVEL. The command line takes precedence.\n");
    options_print_help(stdout, rows, describe(&f, &raw, rows));
}
