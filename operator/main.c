/*
 * cloister-operator: one process, one thread, one event loop.
 *
 * Exit codes: 0 asked to stop, 1 cannot start, 2 wrong command line, 3 somebody else leads (started again, it
 * is a standby).
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
#include "shell/reconcile/controller.h"
#include "flags.h"
#include "shell/reports/reports.h"
#include "verbosity.h"

#include "base/banned.h"

enum { EXIT_CANNOT_START = 1, EXIT_WRONG_FLAGS = 2, EXIT_NOT_LEADING = 3 };

/* Less than the pod's grace period: what has not been answered by then is left as after a crash. */
enum { STOP_MS = 10 * 1000 };

#define USER_AGENT "cloister-operator/" CLOISTER_VERSION

struct operator
{
    struct loop *loop;
    struct kube_config *kube;
    struct kube_client *client;
    struct kube_client *lease_client; /* a renewal waits behind nothing */
    struct controller *controller;
    struct leader *leader; /* NULL without --leader-elect */
    struct reports *reports;
    struct telemetry *telemetry;
    struct httpd *httpd;
    struct httpd *metrics; /* NULL: nobody scrapes */
    const char *lease_name;
    struct verbosity *verbosity; /* NULL without --log-level-file */
    struct loop_source *term, *interrupt;
    struct loop_source *patience; /* runs while stopping */
    bool is_stopping;
};

/* That the loop answers at all is what liveness asks. */
static int on_health(void *context, const char *path, struct strbuf *body)
{
    const struct operator* o = context;
    if (strcmp(path, "/healthz") == 0) {
        strbuf_add_text(body, "ok\n");
        return 200;
    }
    if (strcmp(path, "/readyz") == 0) {
        bool is_ready = controller_is_ready(o->controller);
        strbuf_add_text(body, is_ready ? "ok\n" : "the caches are being filled\n");
        return is_ready ? 200 : 503;
    }
    strbuf_add_text(body, "not found\n");
    return 404;
}

static int on_scrape(void *context, const char *path, struct strbuf *body)
{
    const struct operator* o = context;
    if (strcmp(path, "/metrics") != 0) {
        strbuf_add_text(body, "not found; metrics are at /metrics\n");
        return 404;
    }
    controller_write_metrics(o->controller, o->leader, o->lease_name, body);
    return 200;
}

/* ---- the Lease ---- */
static void on_elected(void *context)
{
    struct operator* o = context;
    log_info("leading", NULL);
    controller_lead(o->controller, o->leader);
}

/* The caches may be older than what the next leader writes: a new process starts from what is there. */
static void on_lost(void *context)
{
    struct operator* o = context;
    log_error("lost the Lease, ending; check that the API server answers and that no other operator has this "
              "instance's name",
              NULL);
    loop_stop(o->loop, EXIT_NOT_LEADING);
}

static void on_other(void *context, const char *identity)
{
    (void)context;
    log_info("standing by", "leader", identity, NULL);
}

static void on_trouble(void *context, const struct err *e)
{
    (void)context;
    log_failure(e->code == ERR_CONFLICT ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, e,
                "cannot renew or take the Lease, trying again", NULL);
}

static void start_work(struct operator* o, const struct flags *f)
{
    struct leader_listener listener = {on_elected, on_lost, on_other, on_trouble, o};
    if (!f->must_be_elected) {
        controller_lead(o->controller, NULL);
        return;
    }
    o->lease_client = kube_client_new(o->loop, o->kube, USER_AGENT);
    telemetry_watch_client(o->telemetry, o->lease_client, o->kube->server);
    o->leader = leader_new(o->loop, o->lease_client, &f->election, &listener);
}

/* ---- stopping ---- */
static void end(void *context)
{
    struct operator* o = context;
    log_info("stopped", NULL);
    loop_stop(o->loop, EXIT_SUCCESS);
}

static void out_of_patience(void *context)
{
    struct operator* o = context;
    log_warning("stopped before everything was answered; the next leader goes on from what is there", NULL);
    loop_stop(o->loop, EXIT_SUCCESS);
}

/* Only now: whoever has the Lease writes. */
static void on_work_ended(void *context)
{
    struct operator* o = context;
    if (o->leader != NULL)
        leader_release(o->leader, end, o);
    else
        end(o);
}

static void on_stop(void *context)
{
    struct operator* o = context;
    if (o->is_stopping)
        return;
    o->is_stopping = true;
    log_info("asked to stop", NULL);
    loop_timer_set(o->patience, STOP_MS);
    controller_stop(o->controller, on_work_ended, o);
}

/* ---- life ---- */
static int start(struct operator* o, struct flags *f, struct err *e)
{
    if (secret_process_init(e) < 0 || http_global_init(e) < 0)
        return -1;
    js_wipe_on_free();
    o->kube = kube_config_new(f->kubeconfig, f->context, e);
    if (o->kube == NULL)
        return -1;
    o->loop = loop_new();
    if (f->log_level_file[0] != '\0')
        o->verbosity = verbosity_new(o->loop, f->log_level_file);
    o->term = loop_add_signal(o->loop, SIGTERM, on_stop, o);
    o->interrupt = loop_add_signal(o->loop, SIGINT, on_stop, o);
    o->patience = loop_add_timer(o->loop, out_of_patience, o);
    o->client = kube_client_new(o->loop, o->kube, USER_AGENT);
    o->telemetry = telemetry_new();
    telemetry_watch_client(o->telemetry, o->client, o->kube->server);
    o->lease_name = f->election.name;
    o->controller = controller_new(o->loop, o->client, &f->config, &f->notifications, f->namespace,
                                   f->election.identity, o->telemetry);
    if (f->report_address[0] != '\0') {
        o->reports = reports_new(o->loop, o->client, o->controller, f->report_address, &f->report_files,
                                 &f->config, e);
        if (o->reports == NULL)
            return -1;
    }
    o->httpd = httpd_new(o->loop, f->health_address, on_health, o, e);
    if (o->httpd == NULL)
        return -1;
    if (strcmp(f->metrics_address, "0") != 0) {
        o->metrics = httpd_new(o->loop, f->metrics_address, on_scrape, o, e);
        if (o->metrics == NULL)
            return -1;
    }
    start_work(o, f);
    return 0;
}

static void operator_fini(struct operator* o)
{
    httpd_free(o->httpd);
    reports_free(o->reports);
    httpd_free(o->metrics);
    leader_free(o->leader);
    controller_free(o->controller);
    kube_client_free(o->lease_client);
    kube_client_free(o->client);
    telemetry_free(o->telemetry);
    verbosity_free(o->verbosity);
    loop_source_free(o->term);
    loop_source_free(o->interrupt);
    loop_source_free(o->patience);
    loop_free(o->loop);
    kube_config_free(o->kube);
}

static int run(struct flags *f)
{
    struct err e CLEANUP(err_fini) = {0};
    struct operator o CLEANUP(operator_fini) = {0};
    if (start(&o, f, &e) < 0) {
        log_failure(LOG_LEVEL_ERROR, &e, "cannot start", NULL);
        return EXIT_CANNOT_START;
    }
    log_info("started", "version", CLOISTER_VERSION, "server", o.kube->server, "health", f->health_address,
             "instance", f->election.identity, "namespace", f->namespace, NULL);
    return loop_run(o.loop);
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
