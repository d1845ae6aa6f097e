#include "gcp/call.h"

#include <string.h>

#include "base/banned.h"

enum { HEADERS_MAX = 8 };

void gcp_client_open(struct gcp_client *ret, const struct gcp_config *config)
{
    *ret = (struct gcp_client){.config = config, .session = http_session_new(config->tls)};
}

void gcp_client_close(struct gcp_client *c)
{
    http_session_free(c->session);
    *c = (struct gcp_client){.config = NULL};
}

void gcp_client_retry_init(const struct gcp_client *c, struct gcp_retry *ret)
{
    gcp_retry_init(ret, &c->config->retry);
    ret->is_cancelled = c->config->is_cancelled;
    ret->remedy = c->config->remedy;
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

/* Sends the request with a token. *ret_event is a fault when there is none. */
static int perform_with_token(const struct gcp_client *c, struct http_request *call, struct http_response *r,
                              int *ret_event, struct err *e)
{
    struct credentials *credentials = c->config->credentials;
    struct http_header headers[HEADERS_MAX];
    add_quota_project(c->config, call, headers);
    call->bearer = credentials_hold_token(credentials, e);
    if (call->bearer == NULL) {
        *ret_event = err_code_is_retryable(e->code) ? REPLY_NO_TOKEN : REPLY_OURS;
        return -1;
    }
    int result = http_perform(c->session, call, r, e);
    credentials_release_token(credentials, call->bearer);
    if (r->status == 401)
        credentials_forget_token(credentials); /* revoked early; the next try gets a new one */
    return result;
}

/* Says which request's reply has the fault. */
static int blame(const struct http_request *q, int event, struct err *e)
{
    const char *url = q->label != NULL ? q->label : q->url;
    if (event > REPLY_NO_TOKEN)
        (void)err_wrap(e, "%s %.*s", q->method, (int)strcspn(url, "?"), url);
    return event;
}

/* What came of the request: a status, or a fault. *e is set unless everything that was asked for came. */
static int send_and_read(const struct gcp_client *c, const struct gcp_request *q, struct http_response *r,
                         struct err *e)
{
    struct http_request call = q->http;
    int ignored, *event = q->event != NULL ? q->event : &ignored;
    call.is_cancelled = c->config->is_cancelled;
    *event = 0;
    int result =
        q->is_public ? http_perform(c->session, &call, r, e) : perform_with_token(c, &call, r, event, e);
    if (result < 0 && *event != 0)
        return blame(&q->http, *event, e);
    if (result < 0) {
        int failed = reply_event_of_failure(r, e);
        if (failed <= REPLY_STATUS_MAX) {
            err_fini(e);
            (void)reply_refusal(q->kind, &q->http, r, e);
        }
        return failed;
    }
    if (reply_rule(q->kind, r->status).action != REPLY_ACCEPT)
        (void)reply_refusal(q->kind, &q->http, r, e);
    else if (q->read != NULL && q->read(q->context, r, e) < 0)
        return blame(&q->http, *event != 0 ? *event : REPLY_OURS, e);
    return r->status;
}

enum reply_action gcp_try(const struct gcp_client *c, const struct gcp_request *q, struct http_response *r,
                          struct err *e)
{
    if (c->config->is_cancelled != NULL && atomic_load(c->config->is_cancelled)) {
        err_set(e, ERR_CANCELLED, NULL, "cancelled");
        return REPLY_FINAL;
    }
    enum reply_action action = reply_judge(q->kind, send_and_read(c, q, r, e), e);
    return action == REPLY_LOOK_UP && q->look_up != NULL ? q->look_up(q->context, e) : action;
}

int gcp_call(const struct gcp_client *c, const struct gcp_request *q, struct http_response *r, struct err *e)
{
    struct gcp_retry retry;
    struct gcp_request call = *q;
    enum reply_action action;
    /* A large body may take as long as its transfer counts as progress. */
    call.http.total_timeout_ms =
        c->config->retry.try_ms * (1 + (int)(q->http.body.len / HTTP_PROGRESS_BYTES));
    gcp_client_retry_init(c, &retry);
    while ((action = gcp_try(c, &call, r, e)) != REPLY_ACCEPT)
        if (action != REPLY_AGAIN || gcp_retry_wait(&retry, r, e) < 0)
            return -1;
    return 0;
}
