#include "agent/progress_server.h"

#include <string.h>

#include "agentapi/pod.h"
#include "base/alloc.h"
#include "base/codec.h"
#include "crypt/digest.h"
#include "data/js.h"
#include "net/httpd.h"
#include "os/file.h"
#include "os/loop.h"

#include "base/banned.h"

enum {
    BODY_MAX = 64 * 1024,
    REQUEST_MS = 20 * 1000,
    CONNECTIONS_MAX = 64, /* each rank of a trainer may have one */
    TOKEN_BYTES = 16,
    TOKEN_TEXT_MAX = 64
};

struct progress_server {
    struct httpd *httpd;
    char *path, *token;
    struct progress *progress;
    void (*on_progress)(void *context);
    void *context;
};

/* A Status object, as the API server and Kubeflow Trainer answer. */
static void answer(struct httpd_call *call, int code, const char *message)
{
    json_t *status CLEANUP(js_free) =
        json_pack("{s:s, s:s, s:s, s:s, s:i}", "apiVersion", "v1", "kind", "Status", "status",
                  code == 200 ? "Success" : "Failure", "message", message, "code", code);
    char *text CLEANUP(cleanup_free) = js_dump(status);
    httpd_answer(call, code, "application/json", view_from(text), 0);
}

static void take(struct progress_server *s, struct httpd_call *call)
{
    struct err e CLEANUP(err_fini) = {0};
    json_t *body CLEANUP(js_free) = js_parse(httpd_call_body(call), "the body", &e);
    if (body != NULL && progress_take(s->progress, json_object_get(body, "trainerStatus"), &e) == 0) {
        s->on_progress(s->context);
        answer(call, 200, "accepted");
        return;
    }
    char *text CLEANUP(cleanup_free) = err_text(&e);
    answer(call, 400, text);
}

static void on_call(void *context, struct httpd_call *call)
{
    struct progress_server *s = context;
    if (strcmp(httpd_call_path(call), s->path) != 0)
        answer(call, 404, "not found; progress is posted to KUBEFLOW_TRAINER_SERVER_URL");
    else if (!httpd_call_is_post(call))
        answer(call, 405, "use POST to report progress");
    else if (!view_equal_text(httpd_call_bearer(call), s->token))
        answer(call, 401, "unauthorized; use the token in the file KUBEFLOW_TRAINER_SERVER_TOKEN");
    else
        take(s, call);
}

/* Keeps the token over a restart of the agent: running programs have read it. */
static char *find_token(struct err *e)
{
    static const char path[] = POD_KUBEFLOW_TOKEN;
    struct err absent CLEANUP(err_fini) = {0};
    uint8_t bytes[TOKEN_BYTES];
    char *token = file_read(path, TOKEN_TEXT_MAX, NULL, &absent);
    if (token != NULL && *token != '\0')
        return token;
    free(token);
    random_bytes(bytes, sizeof(bytes));
    token = hex_encode(bytes, sizeof(bytes));
    if (file_replace(path, view_from(token), 0600, e) == 0)
        return token;
    free(token);
    return NULL;
}

static int furnish(struct progress_server *s, const struct assignment *assignment, struct err *e)
{
    if (file_make_directories(POD_KUBEFLOW, 0700, e) < 0)
        return -1;
    s->token = find_token(e);
    if (s->token == NULL)
        return -1;
    return *assignment->reports_ca == '\0'
               ? 0
               : file_replace(POD_KUBEFLOW_CA, view_from(assignment->reports_ca), 0600, e);
}

struct progress_server *progress_server_new(struct loop *loop, const struct assignment *assignment,
                                            struct progress *progress, void (*on_progress)(void *context),
                                            void *context, struct err *e)
{
    struct progress_server *s = xcalloc(1, sizeof(*s));
    *s = (struct progress_server){.progress = progress, .on_progress = on_progress, .context = context};
    s->path = xasprintf(PROGRESS_PATH_FORMAT, assignment->job_namespace, assignment->job);
    char *address CLEANUP(cleanup_free) = xasprintf("127.0.0.1:%lld", (long long)assignment->progress_port);
    const struct httpd_service service = {.address = address,
                                          .max_body_bytes = BODY_MAX,
                                          .request_ms = REQUEST_MS,
                                          .max_connections = CONNECTIONS_MAX,
                                          .fn = on_call,
                                          .context = s};
    if (furnish(s, assignment, e) == 0 && (s->httpd = httpd_open(loop, &service, e)) != NULL)
        return s;
    progress_server_free(s);
    return NULL;
}

void progress_server_free(struct progress_server *s)
{
    if (s == NULL)
        return;
    httpd_free(s->httpd);
    free(s->path);
    free(s->token);
    free(s);
}
