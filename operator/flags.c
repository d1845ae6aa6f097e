#include "flags.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "data/quantity.h"
#include "base/alloc.h"
#include "data/js.h"
#include "os/file.h"
#include "os/loop.h"
#include "os/options.h"

#include "base/banned.h"

#define ENVIRONMENT_PREFIX "CLOISTER_"

enum { CA_BUNDLE_MAX = 64 * 1024, ROWS_MAX = 64 };

/* Values as they are written, before they are checked. */
struct words {
    const char *pull_secrets, *tolerations, *agent_memory, *agent_cpu, *ca_bundle_file, *log_level, *egress,
        *notifications_file;
    bool allows_loopback;
    int64_t grace_seconds, reserve_seconds, not_ready_seconds, connections;
    int64_t lease_seconds, renew_seconds, retry_seconds;
};

static size_t describe_workers(struct flags *f, struct words *w, struct option_row *rows)
{
    struct config *c = &f->config;
    const struct option_row all[] = {
        {"Workers", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"worker-image", 0, OPTION_TEXT, &c->worker_image, "IMAGE",
         "image of agent and installer (required)"},
        {"worker-pull-policy", 0, OPTION_TEXT, &c->worker_pull_policy, "POLICY",
         "Always, IfNotPresent or Never"},
        {"worker-image-pull-secrets", 0, OPTION_TEXT, &w->pull_secrets, "JSON", "array of {\"name\": ...}"},
        {"worker-tolerations", 0, OPTION_TEXT, &w->tolerations, "JSON",
         "array of tolerations for every worker"},
        {"agent-memory", 0, OPTION_TEXT, &w->agent_memory, "QUANTITY", "for the agent beside the data; 64Mi"},
        {"agent-cpu", 0, OPTION_TEXT, &w->agent_cpu, "QUANTITY", "request of the agent; 100m"},
        {"run-as-user", 0, OPTION_INT, &c->run_as_user, "UID", "for jobs that do not say; 65532"},
        {"grace-period-seconds", 0, OPTION_INT, &w->grace_seconds, "N", "from SIGTERM to SIGKILL; 60"},
        {"reserve-seconds", 0, OPTION_INT, &w->reserve_seconds, "N", "of them, for publishing; 20"},
        {"not-ready-seconds", 0, OPTION_INT, &w->not_ready_seconds, "N",
         "until a lost node's workers go; 60"},
        {"connections", 0, OPTION_INT, &w->connections, "N", "parallel transfers of one agent; 8"},
        {"Endpoints", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"metadata-endpoint", 0, OPTION_TEXT, &c->metadata_url, "URL", "metadata server"},
        {"kms-endpoint", 0, OPTION_TEXT, &c->kms_url, "URL", "Cloud KMS"},
        {"storage-endpoint", 0, OPTION_TEXT, &c->storage_url, "URL", "Cloud Storage"},
        {"pubsub-endpoint", 0, OPTION_TEXT, &c->pubsub_url, "URL", "Pub/Sub, for notifications"},
        {"ca-bundle-file", 0, OPTION_TEXT, &w->ca_bundle_file, "FILE",
         "PEM certificates that agents and notifications trust there"},
        {"Network", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"operator-namespace", 0, OPTION_TEXT, &c->operator_namespace, "NAMESPACE",
         "of this operator, where workers report"},
        {"metrics-namespace", 0, OPTION_TEXT, &c->metrics_namespace, "NAMESPACE",
         "from where workers may be scraped"},
        {"additional-egress", 0, OPTION_TEXT, &w->egress, "JSON",
         "array of {\"cidr\": ..., \"ports\": [...]} that every worker may reach"},
        {"inter-node-encryption", 0, OPTION_FLAG, &c->has_inter_node_encryption, NULL,
         "the cluster encrypts the traffic between nodes"},
        {"Notifications", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"notifications-file", 0, OPTION_TEXT, &w->notifications_file, "FILE",
         "JSON of their targets; none: there are no targets"},
        {"notifications-to-loopback", 0, OPTION_FLAG, &w->allows_loopback, NULL,
         "for tests: targets may be on this machine"},
    };
    memcpy(rows, all, sizeof(all));
    return ARRAY_LEN(all);
}

static size_t describe_operator(struct flags *f, struct words *w, struct option_row *rows)
{
    const struct option_row all[] = {
        {"High availability", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"leader-elect", 0, OPTION_FLAG, &f->must_be_elected, NULL,
         "work only while holding a Lease; needed as soon as two operators run"},
        {"leader-elect-resource-namespace", 0, OPTION_TEXT, &f->election.ns, "NAMESPACE",
         "of the Lease; required with --leader-elect"},
        {"leader-elect-resource-name", 0, OPTION_TEXT, &f->election.name, "NAME",
         "of the Lease; cloister-operator"},
        {"leader-elect-lease-seconds", 0, OPTION_INT, &w->lease_seconds, "N",
         "others take over after so much silence; 15"},
        {"leader-elect-renew-seconds", 0, OPTION_INT, &w->renew_seconds, "N",
         "a leader that cannot renew for so long ends; 10"},
        {"leader-elect-retry-seconds", 0, OPTION_INT, &w->retry_seconds, "N", "between two tries; 2"},
        {"Reports of agents", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"report-address", 0, OPTION_TEXT, &f->report_address, "ADDRESS:PORT",
         "where they are taken, over TLS; none: agents do not report"},
        {"report-url", 0, OPTION_TEXT, &f->config.report_url, "URL", "the same as workers see it"},
        {"report-cert", 0, OPTION_TEXT, &f->report_files.cert, "FILE", "PEM certificate for that name"},
        {"report-key", 0, OPTION_TEXT, &f->report_files.key, "FILE", "its PEM key"},
        {"report-ca", 0, OPTION_TEXT, &f->report_files.ca, "FILE",
         "PEM certificates that agents trust there"},
        {"The process", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"instance", 0, OPTION_TEXT, &f->election.identity, "NAME",
         "holder of the Lease and reporter of events, no other process's; made up"},
        {"namespace", 0, OPTION_TEXT, &f->ns, "NAMESPACE", "run the jobs of this one only; all"},
        {"health-address", 0, OPTION_TEXT, &f->health_address, "ADDRESS:PORT",
         "/healthz and /readyz; 0.0.0.0:8081"},
        {"metrics-address", 0, OPTION_TEXT, &f->metrics_address, "ADDRESS:PORT",
         "/metrics for Prometheus; 0 (none)"},
        {"log-level", 0, OPTION_TEXT, &w->log_level, "LEVEL", "debug, info, warning or error; info"},
        {"log-level-file", 0, OPTION_TEXT, &f->log_level_file, "FILE",
         "holds the level, also when it changes while the operator runs"},
        {"kubeconfig", 0, OPTION_TEXT, &f->kubeconfig, "FILE", "when it does not run in a pod"},
        {"context", 0, OPTION_TEXT, &f->context, "NAME", "of the kubeconfig; its current one"},
        {"version", 0, OPTION_FLAG, &f->is_version, NULL, "print the version"},
        {"help", 'h', OPTION_FLAG, &f->is_help, NULL, "print this"},
    };
    memcpy(rows, all, sizeof(all));
    return ARRAY_LEN(all);
}

static size_t describe(struct flags *f, struct words *w, struct option_row *rows)
{
    size_t count = describe_workers(f, w, rows);
    return count + describe_operator(f, w, rows + count);
}

static void set_defaults(struct flags *f, struct words *w)
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
    *w = (struct words){.agent_memory = "64Mi",
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
        return FAIL(e, ERR_INVALID, "--%s=%lld: give a number from %lld to %lld", flag, (long long)value,
                    (long long)least, (long long)most);
    return 0;
}

static int check_url(const char *flag, const char *url, struct err *e)
{
    size_t length = strlen(url);
    bool is_http = strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
    if (!is_http || url[length - 1] == '/')
        return FAIL(e, ERR_INVALID, "--%s=%s: give an http:// or https:// URL without a slash at its end",
                    flag, url);
    return 0;
}

static int read_array(const char *flag, const char *text, json_t **ret, struct err *e)
{
    if (text == NULL || text[0] == '\0')
        return 0;
    *ret = js_parse(view_from(text), flag, NULL);
    if (!json_is_array(*ret))
        return FAIL(e, ERR_INVALID, "--%s=%s: give a JSON array", flag, text);
    return 0;
}

static int read_memory(const char *text, int64_t *ret, struct err *e)
{
    if (quantity_parse(view_from(text), ret) < 0 || *ret <= 0)
        return FAIL(e, ERR_INVALID, "--agent-memory=%s: give a quantity such as 64Mi", text);
    return 0;
}

/* A thousand times the quantity: "100m" is "100", and "0.5" is "0.5k". */
static int read_cpu(const char *text, int64_t *ret, struct err *e)
{
    size_t length = strlen(text);
    bool is_millis = length > 0 && text[length - 1] == 'm';
    char *thousandfold CLEANUP(cleanup_free) =
        is_millis ? xstrndup(text, length - 1) : xasprintf("%sk", text);
    if (quantity_parse(view_from(thousandfold), ret) < 0 || *ret <= 0)
        return FAIL(e, ERR_INVALID, "--agent-cpu=%s: give a quantity such as 100m or 0.5", text);
    return 0;
}

static int check_policy(const char *policy, struct err *e)
{
    static const char *const policies[] = {"", "Always", "IfNotPresent", "Never"};
    for (size_t i = 0; i < ARRAY_LEN(policies); i++)
        if (strcmp(policy, policies[i]) == 0)
            return 0;
    return FAIL(e, ERR_INVALID, "--worker-pull-policy=%s: give Always, IfNotPresent or Never", policy);
}

static int check_numbers(struct config *c, const struct words *w, struct err *e)
{
    if (check_range("run-as-user", c->run_as_user, 1, INT32_MAX, e) < 0 ||
        check_range("grace-period-seconds", w->grace_seconds, 2, 3600, e) < 0 ||
        check_range("reserve-seconds", w->reserve_seconds, 1, w->grace_seconds - 1, e) < 0 ||
        check_range("not-ready-seconds", w->not_ready_seconds, 0, 86400, e) < 0 ||
        check_range("connections", w->connections, 1, 64, e) < 0)
        return -1;
    c->grace_seconds = (int32_t)w->grace_seconds;
    c->reserve_seconds = (int32_t)w->reserve_seconds;
    c->unreachable_seconds = (int32_t)w->not_ready_seconds;
    c->connections = (int32_t)w->connections;
    return 0;
}

static int read_ca_bundle(struct flags *f, const char *path, struct err *e)
{
    if (path == NULL || path[0] == '\0')
        return 0;
    f->ca_bundle = file_read(path, CA_BUNDLE_MAX, NULL, e);
    if (f->ca_bundle == NULL)
        return err_wrap(e, "--ca-bundle-file");
    f->config.ca_bundle = f->ca_bundle;
    return 0;
}

/* It becomes part of paths. */
static int check_namespace(const char *ns, struct err *e)
{
    if (strlen(ns) > 63 || strspn(ns, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(ns))
        return FAIL(e, ERR_INVALID, "--namespace=%s: give the name of a namespace", ns);
    return 0;
}

/* The host's name for people, random bits because two processes of one host are two. */
static char *make_up_instance(void)
{
    char host[HOST_NAME_MAX + 1] = "";
    uint64_t random = (uint64_t)clock_wall_us();
    (void)!gethostname(host, sizeof(host) - 1);
    (void)!getrandom(&random, sizeof(random), 0);
    return xasprintf("%.64s_%016llx", host, (unsigned long long)random);
}

static int read_election(struct flags *f, const struct words *w, struct err *e)
{
    struct leader_config *c = &f->election;
    c->timing =
        (struct lease_timing){w->lease_seconds * 1000, w->renew_seconds * 1000, w->retry_seconds * 1000};
    if (check_range("leader-elect-lease-seconds", w->lease_seconds, 1, 3600, e) < 0 ||
        check_range("leader-elect-renew-seconds", w->renew_seconds, 1, 3600, e) < 0 ||
        check_range("leader-elect-retry-seconds", w->retry_seconds, 1, 3600, e) < 0 ||
        lease_timing_check(&c->timing, e) < 0)
        return -1;
    if (f->must_be_elected && c->ns[0] == '\0')
        return FAIL(e, ERR_INVALID, "--leader-elect needs --leader-elect-resource-namespace");
    if (c->identity[0] == '\0')
        c->identity = f->instance = make_up_instance();
    /* The limit of reportingInstance in events. */
    if (strlen(c->identity) > 128)
        return FAIL(e, ERR_INVALID, "--instance=%s: give at most 128 characters", c->identity);
    return 0;
}

/* All of them, or none. */
static int check_reports(const struct flags *f, struct err *e)
{
    const char *const all[] = {f->report_address, f->config.report_url, f->report_files.cert,
                               f->report_files.key, f->report_files.ca};
    size_t given = 0;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        given += all[i][0] != '\0';
    if (given == 0)
        return 0;
    if (given < ARRAY_LEN(all))
        return FAIL(e, ERR_INVALID,
                    "give --report-address, --report-url, --report-cert, --report-key and --report-ca "
                    "together, or none of them");
    if (strncmp(f->config.report_url, "https://", 8) != 0)
        return FAIL(e, ERR_INVALID, "--report-url=%s: give an https:// URL", f->config.report_url);
    return check_url("report-url", f->config.report_url, e);
}

static int read_notifications(struct flags *f, const struct words *w, struct err *e)
{
    struct config *c = &f->config;
    if (check_url("pubsub-endpoint", c->pubsub_url, e) < 0)
        return -1;
    if (strncmp(c->pubsub_url, "https://", 8) != 0)
        return FAIL(e, ERR_INVALID, "--pubsub-endpoint=%s: give an https:// URL", c->pubsub_url);
    if (notify_config_read(&f->notifications, w->notifications_file, w->allows_loopback, e) < 0)
        return err_wrap(e, "--notifications-file");
    c->notification_targets = f->notifications.names;
    c->notification_target_count = f->notifications.count;
    return 0;
}

static int check(struct flags *f, const struct words *w, struct err *e)
{
    struct config *c = &f->config;
    if (c->worker_image[0] == '\0')
        return FAIL(e, ERR_INVALID, "--worker-image is missing");
    if (log_level_from_name(w->log_level, &f->log_level) < 0)
        return FAIL(e, ERR_INVALID, "--log-level=%s: give debug, info, warning or error", w->log_level);
    if (check_policy(c->worker_pull_policy, e) < 0 || check_namespace(f->ns, e) < 0 ||
        check_url("metadata-endpoint", c->metadata_url, e) < 0 ||
        check_url("kms-endpoint", c->kms_url, e) < 0 ||
        check_url("storage-endpoint", c->storage_url, e) < 0 || read_notifications(f, w, e) < 0 ||
        check_numbers(c, w, e) < 0 || read_memory(w->agent_memory, &c->agent_memory_bytes, e) < 0 ||
        read_cpu(w->agent_cpu, &c->agent_cpu_millis, e) < 0 ||
        read_array("worker-tolerations", w->tolerations, &f->tolerations, e) < 0 ||
        read_array("worker-image-pull-secrets", w->pull_secrets, &f->pull_secrets, e) < 0 ||
        read_array("additional-egress", w->egress, &f->egress, e) < 0 ||
        read_ca_bundle(f, w->ca_bundle_file, e) < 0 || read_election(f, w, e) < 0 || check_reports(f, e) < 0)
        return -1;
    c->worker_tolerations = f->tolerations;
    c->additional_egress = f->egress;
    c->image_pull_secrets = f->pull_secrets;
    return 0;
}

int flags_parse(struct flags *f, int argc, char **argv, struct err *e)
{
    struct words w;
    struct option_row rows[ROWS_MAX];
    int words;
    set_defaults(f, &w);
    size_t count = describe(f, &w, rows);
    if (options_from_environment(rows, count, ENVIRONMENT_PREFIX, e) < 0 ||
        options_parse(rows, count, argc, argv, &words, e) < 0)
        return -1;
    if (f->is_help || f->is_version)
        return 0;
    if (words > 0)
        return FAIL(e, ERR_INVALID, "%s is no option; --help lists them", argv[0]);
    return check(f, &w, e);
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
    struct words w;
    struct option_row rows[ROWS_MAX];
    set_defaults(&f, &w);
    printf("cloister-operator runs TrainingJobs on confidential nodes.\n\n"
           "Each option can be given in the environment instead; --log-level is " ENVIRONMENT_PREFIX
           "LOG_LEVEL\n"
           "there. The command line wins. Defaults stand behind the semicolon.\n");
    options_print_help(stdout, rows, describe(&f, &w, rows));
}
