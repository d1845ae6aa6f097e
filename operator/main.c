/*
 * cloister-operator: one process, one thread, one event loop.
 *
 * Exit codes: 0 asked to stop, 1 cannot start, 2 wrong command line, 3 lost the Lease (when restarted, it is
 * a standby).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "data/js.h"
#include "net/httpd.h"
#include "os/log.h"
#include "os/loop.h"
#include "flags.h"
#include "shell/reconcile/controller.h"
#include "shell/reports/report_server.h"
#include "verbosity.h"

#include "base/banned.h"

enum { EXIT_CANNOT_START = 1, EXIT_WRONG_FLAGS = 2, EXIT_NOT_LEADING = 3 };

/* Less than the grace period of the pod. Requests that are not answered by then are abandoned, as in a crash.
 */
enum { STOP_MS = 10 * 1000 };

#define USER_AGENT "cloister-operator/" CLOISTER_VERSION

struct manager {
    struct loop *loop;
    struct kube_config *kube;
    struct kube_client *client;
    struct kube_client *lease_client; /* its own, so that renewals do not wait for other requests */
    struct controller *controller;
    struct leader *leader; /* NULL without --leader-elect */
    struct report_server *reports;
    struct telemetry *telemetry;
    struct httpd *httpd;
    struct httpd *metrics; /* NULL without --metrics-address */
    const char *lease_name;
    struct verbosity *verbosity; /* NULL without --log-level-file */
    struct loop_source *term, *interrupt;
    struct loop_source *stop_timeout; /* limits how long stopping takes */
    bool is_stopping;
};

/* An answer from the loop is all that liveness asks for. */
static int on_health(void *context, const char *path, struct strbuf *body)
{
    const struct manager *m = context;
    if (strcmp(path, "/healthz") == 0) {
        strbuf_add_text(body, "ok\n");
        return 200;
    }
    if (strcmp(path, "/readyz") == 0) {
        bool is_ready = controller_is_ready(m->controller);
        strbuf_add_text(body, is_ready ? "ok\n" : "the caches are not filled yet\n");
        return is_ready ? 200 : 503;
    }
    strbuf_add_text(body, "not found\n");
    return 404;
}

static int on_scrape(void *context, const char *path, struct strbuf *body)
{
    const struct manager *m = context;
    if (strcmp(path, "/metrics") != 0) {
        strbuf_add_text(body, "not found; metrics are at /metrics\n");
        return 404;
    }
    controller_write_metrics(m->controller, m->leader, m->lease_name, body);
    return 200;
}

/* ---- the Lease ---- */
static void on_elected(void *context)
{
    struct manager *m = context;
    log_info("leading", NULL);
    controller_lead(m->controller, m->leader);
}

/* The caches may be older than what the next leader writes; a new process starts with fresh ones. */
static void on_lost(void *context)
{
    struct manager *m = context;
    log_error(
        "lost the Lease, exiting; check that the API server is reachable and that no other operator has the "
        "same --instance",
        NULL);
    loop_stop(m->loop, EXIT_NOT_LEADING);
}

static void on_new_leader(void *context, const char *identity)
{
    (void)context;
    log_info("standing by", "leader", identity, NULL);
}

static void on_error(void *context, const struct err *e)
{
    (void)context;
    log_failure(e->code == ERR_CONFLICT ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, e,
                "cannot acquire or renew the Lease, retrying", NULL);
}

static void start_work(struct manager *m, const struct flags *f)
{
    struct leader_listener listener = {on_elected, on_lost, on_new_leader, on_error, m};
    if (!f->must_be_elected) {
        controller_lead(m->controller, NULL);
        return;
    }
    m->lease_client = kube_client_new(m->loop, m->kube, USER_AGENT);
    telemetry_observe_client(m->telemetry, m->lease_client, m->kube->server);
    m->leader = leader_new(m->loop, m->lease_client, &f->election, &listener);
}

/* ---- stopping ---- */
static void end(void *context)
{
    struct manager *m = context;
    log_info("stopped", NULL);
    loop_stop(m->loop, EXIT_SUCCESS);
}

static void on_stop_timeout(void *context)
{
    struct manager *m = context;
    log_warning(
        "stopped before all requests were answered; the next leader continues from the state in the cluster",
        NULL);
    loop_stop(m->loop, EXIT_SUCCESS);
}

/* Not before: another process writes as soon as it holds the Lease. */
static void on_work_ended(void *context)
{
    struct manager *m = context;
    if (m->leader != NULL)
        leader_release(m->leader, end, m);
    else
        end(m);
}

static void on_stop(void *context)
{
    struct manager *m = context;
    if (m->is_stopping)
        return;
    m->is_stopping = true;
    log_info("asked to stop", NULL);
    loop_timer_set(m->stop_timeout, STOP_MS);
    controller_stop(m->controller, on_work_ended, m);
}

/* ---- life ---- */
static int start(struct manager *m, struct flags *f, struct err *e)
{
    if (secret_process_init(e) < 0 || http_global_init(e) < 0)
        return -1;
    js_wipe_on_free();
    m->kube = kube_config_new(f->kubeconfig, f->context, e);
    if (m->kube == NULL)
        return -1;
    m->loop = loop_new();
    if (*f->log_level_file != '\0')
        m->verbosity = verbosity_new(m->loop, f->log_level_file);
    m->term = loop_add_signal(m->loop, SIGTERM, on_stop, m);
    m->interrupt = loop_add_signal(m->loop, SIGINT, on_stop, m);
    m->stop_timeout = loop_add_timer(m->loop, on_stop_timeout, m);
    m->client = kube_client_new(m->loop, m->kube, USER_AGENT);
    m->telemetry = telemetry_new();
    telemetry_observe_client(m->telemetry, m->client, m->kube->server);
    m->lease_name = f->election.name;
    const struct controller_options options = {.loop = m->loop,
                                               .client = m->client,
                                               .config = &f->config,
                                               .targets = &f->notifications,
                                               .ns = f->ns,
                                               .instance = f->election.identity,
                                               .telemetry = m->telemetry};
    m->controller = controller_new(&options);
    if (*f->report_address != '\0') {
        const struct report_server_options reports = {.loop = m->loop,
                                                      .client = m->client,
                                                      .controller = m->controller,
                                                      .address = f->report_address,
                                                      .files = &f->report_files,
                                                      .config = &f->config};
        m->reports = report_server_new(&reports, e);
        if (m->reports == NULL)
            return -1;
    }
    m->httpd = httpd_new(m->loop, f->health_address, on_health, m, e);
    if (m->httpd == NULL)
        return -1;
    if (strcmp(f->metrics_address, "0") != 0) {
        m->metrics = httpd_new(m->loop, f->metrics_address, on_scrape, m, e);
        if (m->metrics == NULL)
            return -1;
    }
    start_work(m, f);
    return 0;
}

static void manager_fini(struct manager *m)
{
    httpd_free(m->httpd);
    report_server_free(m->reports);
    httpd_free(m->metrics);
    leader_free(m->leader);
    controller_free(m->controller);
    kube_client_free(m->lease_client);
    kube_client_free(m->client);
    telemetry_free(m->telemetry);
    verbosity_free(m->verbosity);
    loop_source_free(m->term);
    loop_source_free(m->interrupt);
    loop_source_free(m->stop_timeout);
    loop_free(m->loop);
    kube_config_free(m->kube);
}

static int run(struct flags *f)
{
    struct err e CLEANUP(err_fini) = {0};
    struct manager m CLEANUP(manager_fini) = {0};
    if (start(&m, f, &e) < 0) {
        log_failure(LOG_LEVEL_ERROR, &e, "cannot start", NULL);
        return EXIT_CANNOT_START;
    }
    log_info("started", "version", CLOISTER_VERSION, "server", m.kube->server, "health", f->health_address,
             "instance", f->election.identity, "namespace", f->ns, NULL);
    return loop_run(m.loop);
}

int main(int argc, char **argv)
{
    struct err e CLEANUP(err_fini) = {0};
    struct flags f CLEANUP(flags_fini) = {0};
    if (flags_parse(&f, argc - 1, argv + 1, &e) < 0) {
        char *text = err_text(&e);
        fprintf(stderr, "cloister-operator: %s\n", text);
        free(text);
        return EXIT_WRONG_FLAGS;
    }
    if (f.is_help || f.is_version) {
        if (f.is_help)
            flags_print_help();
        else
            printf("cloister-operator %s\n", CLOISTER_VERSION);
        return EXIT_SUCCESS;
    }
    log_setup(LOG_FORMAT_JSON, f.log_level);
    signal(SIGPIPE, SIG_IGN);
    return run(&f);
}
