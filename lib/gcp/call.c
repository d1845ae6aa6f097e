#include "gcp/call.h"

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "data/js.h"
#include "os/log.h"
#include "os/loop.h"

#include "base/banned.h"

enum { HEADERS_MAX = 8, PATIENCE_MS = 60 * 1000, FIRST_WAIT_MS = 250, MOST_WAIT_MS = 8000, NAP_MS = 100 };

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

/* Uploads answer plain text. */
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

/* A person's credentials belong to no project of their own: the call says which one has the API enabled. */
static void add_quota_project(const struct gcp_site *site, struct http_request *call,
                              struct http_header *headers)
{
    const char *project = identity_quota_project(site->identity);
    if (*project == '\0' || call->header_count >= HEADERS_MAX)
        return;
    for (size_t i = 0; i < call->header_count; i++)
        headers[i] = call->headers[i];
    headers[call->header_count++] = (struct http_header){"x-goog-user-project", project};
    call->headers = headers;
}

static bool is_cancelled(const struct gcp_site *site)
{
    return site->is_cancelled != NULL && atomic_load(site->is_cancelled);
}

int gcp_try(const struct gcp_site *site, struct http_session *s, const struct http_request *q,
            struct http_response *r, struct err *e)
{
    struct http_header headers[HEADERS_MAX];
    struct http_request call = *q;
    if (is_cancelled(site))
        return FAIL(e, ERR_CANCELLED, "cancelled");
    call.is_cancelled = site->is_cancelled;
    add_quota_project(site, &call, headers);
    call.bearer = identity_hold_token(site->identity, e);
    if (call.bearer == NULL)
        return -1;
    int result = http_perform(s, &call, r, e);
    identity_release_token(site->identity, call.bearer);
    if (result < 0)
        return -1;
    if (r->status == 401)
        identity_forget(site->identity); /* revoked before its time; the next try has a new one */
    return r->status < 400 ? 0 : gcp_fail_from_reply(q->method, q->url, r, e);
}

int gcp_try_without_token(const struct gcp_site *site, struct http_session *s, const struct http_request *q,
                          struct http_response *r, struct err *e)
{
    struct http_request call = *q;
    if (is_cancelled(site))
        return FAIL(e, ERR_CANCELLED, "cancelled");
    call.is_cancelled = site->is_cancelled;
    if (http_perform(s, &call, r, e) < 0)
        return -1;
    return r->status < 400 ? 0 : gcp_fail_from_reply(q->method, q->url, r, e);
}

void gcp_patience_init(struct gcp_patience *p, const struct gcp_site *site)
{
    p->backoff = (struct backoff)BACKOFF(FIRST_WAIT_MS, MOST_WAIT_MS);
    gcp_patience_renew(p, site);
}

void gcp_patience_renew(struct gcp_patience *p, const struct gcp_site *site)
{
    backoff_reset(&p->backoff);
    p->deadline_ms = clock_boot_ms() + (site->patience_ms > 0 ? site->patience_ms : PATIENCE_MS);
}

static bool is_worth_repeating(enum err_code code)
{
    return code == ERR_UNAVAILABLE || code == ERR_TIMED_OUT || code == ERR_THROTTLED ||
           code == ERR_UNAUTHENTICATED || code == ERR_METADATA_UNAVAILABLE;
}

int gcp_patience_wait(struct gcp_patience *p, const struct gcp_site *site, const struct http_response *r,
                      struct err *e)
{
    int64_t wait_ms = backoff_next_ms(&p->backoff), asked = http_response_retry_after(r, clock_wall_us());
    if (!is_worth_repeating(e->code) || (e->code == ERR_UNAUTHENTICATED && p->backoff.tries > 2))
        return -1;
    if (asked * 1000 > wait_ms)
        wait_ms = asked * 1000;
    int64_t until = clock_boot_ms() + wait_ms;
    if (until > p->deadline_ms)
        return -1;
    if (backoff_is_worth_telling(&p->backoff, e->code))
        log_failure(LOG_LEVEL_WARNING, e, "no success so far; trying again for a while",
                    site->remedy == NULL ? NULL : "remedy",
                    site->remedy == NULL ? NULL : site->remedy(e->code), NULL);
    while (clock_boot_ms() < until) {
        if (is_cancelled(site))
            return -1;
        usleep(NAP_MS * 1000);
    }
    err_fini(e);
    return 0;
}

int gcp_call(const struct gcp_site *site, struct http_session *s, const struct http_request *q,
             struct http_response *r, struct err *e)
{
    struct gcp_patience patience;
    struct http_request call = *q;
    /* What it brings may take as long as is no stall. */
    call.total_timeout_ms = GCP_CONTROL_TOTAL_MS * (1 + (int)(q->body.len / HTTP_PROGRESS_BYTES));
    gcp_patience_init(&patience, site);
    while (gcp_try(site, s, &call, r, e) < 0)
        if (gcp_patience_wait(&patience, site, r, e) < 0)
            return -1;
    return 0;
}
