/*
 * cloister-operator: one process, one thread, one event loop.
 *
 * Exit codes: 0 asked to stop, 1 cannot start, 2 wrong command line.
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
#include "shell/controller.h"
#include "shell/flags.h"

#include "base/banned.h"

enum { EXIT_CANNOT_START = 1, EXIT_WRONG_FLAGS = 2 };

#define USER_AGENT "cloister-operator/" CLOISTER_VERSION

struct operator
{
    struct loop *loop;
    struct kube_config *kube;
    struct kube_client *client;
    struct controller *controller;
    struct httpd *httpd;
    struct loop_source *term, *interrupt;
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

static void on_stop(void *context)
{
    struct operator* o = context;
    log_info("asked to stop", NULL);
    loop_stop(o->loop, EXIT_SUCCESS);
}

static int start(struct operator* o, const struct flags *f, struct err *e)
{
    const char *instance = getenv("POD_NAME");
    if (secret_process_init(e) < 0 || http_global_init(e) < 0)
        return -1;
    js_wipe_on_free();
    o->kube = kube_config_new(f->kubeconfig, f->context, e);
    if (o->kube == NULL)
        return -1;
    o->loop = loop_new();
    o->term = loop_add_signal(o->loop, SIGTERM, on_stop, o);
    o->interrupt = loop_add_signal(o->loop, SIGINT, on_stop, o);
    o->client = kube_client_new(o->loop, o->kube, USER_AGENT);
    o->controller = controller_new(o->loop, o->client, &f->config,
                                   instance != NULL && instance[0] != '\0' ? instance : "cloister-operator");
    o->httpd = httpd_new(o->loop, f->health_address, on_health, o, e);
    return o->httpd == NULL ? -1 : 0;
}

static void operator_fini(struct operator* o)
{
    httpd_free(o->httpd);
    controller_free(o->controller);
    kube_client_free(o->client);
    loop_source_free(o->term);
    loop_source_free(o->interrupt);
    loop_free(o->loop);
    kube_config_free(o->kube);
}

static int run(const struct flags *f)
{
    struct err e CLEANUP(err_fini) = {0};
    struct operator o CLEANUP(operator_fini) = {0};
    if (start(&o, f, &e) < 0) {
        log_failure(LOG_LEVEL_ERROR, &e, "cannot start", NULL);
        return EXIT_CANNOT_START;
    }
    log_info("started", "version", CLOISTER_VERSION, "server", o.kube->server, "health", f->health_address,
             NULL);
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
