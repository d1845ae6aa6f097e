#include "shell/reports/report_server.h"

#include <string.h>

#include "agentapi/pod.h"
#include "base/alloc.h"
#include "data/js.h"
#include "net/httpd.h"
#include "net/httpd_tls.h"
#include "os/file.h"
#include "os/log.h"
#include "os/loop.h"
#include "shell/reports/token_reviews.h"

#include "base/banned.h"

enum {
    BODY_MAX = 64 * 1024,
    TOKEN_MAX = 8 * 1024,
    PEM_MAX = 64 * 1024,
    KEY_MAX = 8 * 1024 - 1,
    RELOAD_MS = 10 * 1000,
    REQUEST_MS = 30 * 1000,
    CONNECTIONS_MAX = 256,
    RETRY_SECONDS = 2
};

struct report_server {
    struct controller *controller;
    struct config *config;
    struct report_files files;
    struct httpd_tls *tls;
    struct httpd *server;
    struct token_reviews *reviews;
    struct loop_source *timer; /* reads the files again */
    char *cert, *ca;           /* as read last */
    char *problem;             /* with the files, so that it is logged once */
};

/* ---- answers ---- */
static void answer(struct httpd_call *call, int status, const char *message)
{
    json_t *body CLEANUP(js_free) = json_pack("{s:s}", "message", message);
    char *text CLEANUP(cleanup_free) = js_dump(body);
    httpd_answer(call, status, "application/json", view_from(text), status == 503 ? RETRY_SECONDS : 0);
}

static void answer_error(struct httpd_call *call, const struct err *e)
{
    char *text CLEANUP(cleanup_free) = err_text(e);
    int status = e->code == ERR_DENIED                               ? 403
                 : e->code == ERR_SUPERSEDED                         ? REPORT_STATUS_REPLACED
                 : e->code == ERR_INVALID || e->code == ERR_PROTOCOL ? 400
                                                                     : 503;
    /* A denial is an attack, or a worker of an earlier attempt whose pod is gone. */
    bool is_denial = status == 403 || status == REPORT_STATUS_REPLACED;
    log_failure(is_denial ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, e, "rejected a report", NULL);
    answer(call, status, text);
}

static int accept_report(struct report_server *r, struct httpd_call *call, const struct reviewed_pod *pod,
                         struct err *e)
{
    json_t *report CLEANUP(js_free) = js_parse(httpd_call_body(call), "the report", e);
    if (report == NULL)
        return -1;
    return controller_accept_report(r->controller, pod->ns, pod->name, pod->uid, report, e);
}

static void on_reviewed(void *context, const struct reviewed_pod *pod, const struct err *e)
{
    struct httpd_call *call = context;
    struct err problem CLEANUP(err_fini) = {0};
    if (e != NULL && e->code == ERR_DENIED)
        answer_error(call, e);
    else if (e != NULL)
        answer(call, 503, "the token cannot be verified now: the API server does not answer");
    else if (accept_report(httpd_call_context(call), call, pod, &problem) < 0)
        answer_error(call, &problem);
    else
        answer(call, 200, "accepted");
}

static void on_call(void *context, struct httpd_call *call)
{
    struct report_server *r = context;
    struct view token = httpd_call_bearer(call);
    if (strcmp(httpd_call_path(call), REPORT_PATH) != 0) {
        answer(call, 404, "not found; reports are posted to " REPORT_PATH);
    } else if (!httpd_call_is_post(call)) {
        answer(call, 405, "use POST");
    } else if (token.len == 0 || token.len > TOKEN_MAX) {
        answer(call, 401, "send the service account token of the pod as bearer token");
    } else if (!controller_accepts_reports(r->controller)) {
        answer(call, 503, "this operator is not the leader, or is still filling its caches");
    } else {
        token_reviews_ask(r->reviews, token, on_reviewed, call);
    }
}

/* ---- the files ---- */
static void keep(char **to, char *text)
{
    free(*to);
    *to = text;
}

/* All files or none: those of a Secret change together. */
static int load(struct report_server *r, struct err *e)
{
    struct secret key CLEANUP(secret_free) = {.bytes = NULL};
    char *cert CLEANUP(cleanup_free) = file_read(r->files.cert, PEM_MAX, NULL, e);
    if (cert == NULL)
        return -1;
    char *ca CLEANUP(cleanup_free) = file_read(r->files.ca, PEM_MAX, NULL, e);
    if (ca == NULL)
        return -1;
    if (r->cert != NULL && strcmp(cert, r->cert) == 0 && strcmp(ca, r->ca) == 0)
        return 0;
    /* Some issuers leave it empty, and agents of new workers would then trust no certificate. */
    if (strstr(ca, "-----BEGIN CERTIFICATE-----") == NULL)
        return FAIL_OBJECT(
            e, ERR_INVALID, r->files.ca,
            "%s contains no PEM certificate; it must contain the CA that signed %s, since agents trust it",
            r->files.ca, r->files.cert);
    if (file_read_secret(r->files.key, KEY_MAX, &key, e) < 0 || httpd_tls_set(r->tls, cert, &key, e) < 0)
        return -1;
    log_info(r->cert == NULL ? "loaded the certificate of the report server"
                             : "the certificate of the report server has changed",
             NULL);
    keep(&r->cert, cert);
    keep(&r->ca, ca);
    cert = ca = NULL;
    r->config->report_ca = r->ca;
    return 0;
}

static void reload(void *context)
{
    struct report_server *r = context;
    struct err e CLEANUP(err_fini) = {0};
    char *text = NULL;
    if (load(r, &e) < 0) {
        text = err_text(&e);
        if (r->problem == NULL || strcmp(r->problem, text) != 0)
            log_failure(LOG_LEVEL_ERROR, &e,
                        "cannot reload the certificate of the report server; keeping the old one", NULL);
    }
    keep(&r->problem, text);
    loop_timer_set(r->timer, RELOAD_MS);
}

/* ---- life ---- */
struct report_server *report_server_new(const struct report_server_options *options, struct err *e)
{
    struct report_server *r = xcalloc(1, sizeof(*r));
    r->controller = options->controller;
    r->config = options->config;
    r->files = *options->files;
    r->tls = httpd_tls_new();
    r->reviews = token_reviews_new(options->client);
    r->timer = loop_add_timer(options->loop, reload, r);
    loop_timer_set(r->timer, RELOAD_MS);
    const struct httpd_service service = {.address = options->address,
                                          .tls = r->tls,
                                          .max_body_bytes = BODY_MAX,
                                          .request_ms = REQUEST_MS,
                                          .max_connections = CONNECTIONS_MAX,
                                          .fn = on_call,
                                          .context = r};
    if (load(r, e) == 0 && (r->server = httpd_open(options->loop, &service, e)) != NULL)
        return r;
    report_server_free(r);
    err_wrap_text(e, "report server");
    return NULL;
}

void report_server_free(struct report_server *r)
{
    if (r == NULL)
        return;
    token_reviews_free(r->reviews);
    httpd_free(r->server);
    httpd_tls_free(r->tls);
    loop_source_free(r->timer);
    r->config->report_ca = "";
    free(r->cert);
    free(r->ca);
    free(r->problem);
    free(r);
}
