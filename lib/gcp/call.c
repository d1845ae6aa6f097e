#include "gcp/call.h"

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "data/js.h"
#include "os/log.h"
#include "os/loop.h"

#include "base/banned.h"

enum { HEADERS_MAX = 8, RETRY_FOR_MS = 60 * 1000, FIRST_WAIT_MS = 250, MOST_WAIT_MS = 8000, POLL_MS = 100 };

void gcp_client_open(struct gcp_client *ret, const struct gcp_config *config)
{
    *ret = (struct gcp_client){.config = config, .session = http_session_new(config->tls)};
}

void gcp_client_close(struct gcp_client *c)
{
    http_session_free(c->session);
    *c = (struct gcp_client){.config = NULL};
}

static enum err_code code_of_status(int status)
{
    switch (status) {
    case 401: return ERR_UNAUTHENTICATED;
    case 403: return ERR_DENIED;
    case 404: return ERR_NOT_FOUND;
    case 409:
    case 412: return ERR_CONFLICT;
    case 410: return ERR_GONE;
    case 408:
    case 429: return ERR_THROTTLED;
    case 413: return ERR_TOO_LARGE;
    default: return status >= 500 ? ERR_UNAVAILABLE : ERR_INVALID;
    }
}

/* The body may be no JSON: uploads answer in plain text. */
int gcp_fail_from_reply(const char *method, const char *url, const struct http_response *r, struct err *e)
{
    struct err ignored CLEANUP(err_fini) = {0};
    json_t *reply CLEANUP(js_free) = js_parse(strbuf_view(&r->body), "reply", &ignored);
    const char *message = js_text(reply, "error.message");
    size_t path = strcspn(url, "?");
    if (*message == '\0')
        message = js_text(reply, "error_description");
    return FAIL(e, code_of_status(r->status), "%s %.*s answered %d%s%.300s", method, (int)path, url,
                r->status, *message != '\0' ? ": " : "", message);
}

/* A person's credentials belong to no project, so the call names the one that is charged. */
static void add_quota_project(const struct gcp_config *config, struct http_request *call,
                              struct http_header *headers)
{
    const char *project = credentials_quota_project(config->credentials);
    if (*project == '\0' || call->header_count >= HEADERS_MAX)
        return;
    for (size_t i = 0; i < call->header_count; i++)
        headers[i] = call->headers[i];
    headers[call->header_count++] = (struct http_header){"x-goog-user-project", project};
    call->headers = headers;
}

static bool is_cancelled(const struct gcp_config *config)
{
    return config->is_cancelled != NULL && atomic_load(config->is_cancelled);
}

int gcp_try(const struct gcp_client *c, const struct http_request *q, struct http_response *r, struct err *e)
{
    struct http_header headers[HEADERS_MAX];
    struct http_request call = *q;
    if (is_cancelled(c->config))
        return FAIL(e, ERR_CANCELLED, "cancelled");
    call.is_cancelled = c->config->is_cancelled;
    add_quota_project(c->config, &call, headers);
    call.bearer = credentials_hold_token(c->config->credentials, e);
    if (call.bearer == NULL)
        return -1;
    int result = http_perform(c->session, &call, r, e);
    credentials_release_token(c->config->credentials, call.bearer);
    if (result < 0)
        return -1;
    if (r->status == 401)
        credentials_forget_token(c->config->credentials); /* revoked early; the next try gets a new one */
    return r->status < 400 ? 0 : gcp_fail_from_reply(q->method, q->url, r, e);
}

int gcp_try_without_token(const struct gcp_client *c, const struct http_request *q, struct http_response *r,
                          struct err *e)
{
    struct http_request call = *q;
    if (is_cancelled(c->config))
        return FAIL(e, ERR_CANCELLED, "cancelled");
    call.is_cancelled = c->config->is_cancelled;
    if (http_perform(c->session, &call, r, e) < 0)
        return -1;
    return r->status < 400 ? 0 : gcp_fail_from_reply(q->method, q->url, r, e);
}

void gcp_retry_init(struct gcp_retry *t, const struct gcp_config *config)
{
    t->config = config;
    t->backoff = (struct backoff)BACKOFF(FIRST_WAIT_MS, MOST_WAIT_MS);
    gcp_retry_renew(t);
}

void gcp_retry_renew(struct gcp_retry *t)
{
    backoff_reset(&t->backoff);
    t->deadline_ms = clock_boot_ms() + (t->config->retry_for_ms > 0 ? t->config->retry_for_ms : RETRY_FOR_MS);
}

static bool is_retryable(enum err_code code)
{
    return code == ERR_UNAVAILABLE || code == ERR_TIMED_OUT || code == ERR_THROTTLED ||
           code == ERR_UNAUTHENTICATED || code == ERR_METADATA_UNAVAILABLE;
}

int gcp_retry_wait(struct gcp_retry *t, const struct http_response *r, struct err *e)
{
    int64_t wait_ms = backoff_next_ms(&t->backoff), asked = http_response_retry_after(r, clock_wall_us());
    if (!is_retryable(e->code) || (e->code == ERR_UNAUTHENTICATED && t->backoff.tries > 2))
        return -1;
    if (asked * 1000 > wait_ms)
        wait_ms = asked * 1000;
    int64_t until = clock_boot_ms() + wait_ms;
    if (until > t->deadline_ms)
        return -1;
    if (backoff_should_log(&t->backoff, e->code))
        log_failure(LOG_LEVEL_WARNING, e, "retrying a request", t->config->remedy == NULL ? NULL : "remedy",
                    t->config->remedy == NULL ? NULL : t->config->remedy(e->code), NULL);
    while (clock_boot_ms() < until) {
        if (is_cancelled(t->config))
            return -1;
        usleep(POLL_MS * 1000);
    }
    err_fini(e);
    return 0;
}

int gcp_call(const struct gcp_client *c, const struct http_request *q, struct http_response *r, struct err *e)
{
    struct gcp_retry retry;
    struct http_request call = *q;
    /* A large body may take as long as its transfer counts as progress. */
    call.total_timeout_ms = GCP_CONTROL_TOTAL_MS * (1 + (int)(q->body.len / HTTP_PROGRESS_BYTES));
    gcp_retry_init(&retry, c->config);
    while (gcp_try(c, &call, r, e) < 0)
        if (gcp_retry_wait(&retry, r, e) < 0)
            return -1;
    return 0;
}
