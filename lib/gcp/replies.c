#include "gcp/replies.h"

#include <stdlib.h>
#include <string.h>

#include "data/js.h"

#include "base/banned.h"

static const struct row {
    unsigned kinds;
    int first, last; /* events */
    struct reply_rule rule;
} rows[] = {
#define ON_STATUS(kind, first, last, action, code)                                                           \
    {REPLY_##kind, (first), (last), {REPLY_##action, ERR_##code}},
#define ON_FAULT(kind, fault, action, code)                                                                  \
    {REPLY_##kind, REPLY_##fault, REPLY_##fault, {REPLY_##action, ERR_##code}},
#include "gcp/replies.def"
#undef ON_STATUS
#undef ON_FAULT
};

struct reply_rule reply_rule(enum reply_kind kind, int event)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if ((rows[i].kinds & kind) != 0 && event >= rows[i].first && event <= rows[i].last)
            return rows[i].rule;
    abort(); /* a fault that no row allows for this kind */
}

int reply_event_of_failure(const struct http_response *r, const struct err *e)
{
    bool is_success = r->status >= 200 && r->status < 300;
    if (r->status >= 400)
        return r->status; /* what is missing is only the page */
    if (e->code == ERR_UNAVAILABLE)
        return is_success ? REPLY_CUT : REPLY_LOST;
    if (e->code == ERR_TIMED_OUT)
        return is_success ? REPLY_CUT : REPLY_STALLED;
    if (e->code == ERR_PROTOCOL)
        return REPLY_NOT_HTTP;
    return e->code == ERR_TOO_LARGE ? REPLY_OVERSIZED : REPLY_OURS;
}

enum reply_action reply_judge(enum reply_kind kind, int event, struct err *e)
{
    struct reply_rule rule = reply_rule(kind, event);
    if (rule.code != ERR_NONE)
        err_recode(e, rule.code);
    return rule.action;
}

/* What a status means that is no refusal, for want of words of the server's. */
static const char *explain(int status)
{
    if (status >= 300 && status < 400)
        return " (redirects are not followed)";
    return status < 400 || status >= 600 ? " (not a reply to this request)" : "";
}

/* The body may be no JSON: uploads answer in plain text. */
int reply_refusal(enum reply_kind kind, const struct http_request *q, const struct http_response *r,
                  struct err *e)
{
    struct err ignored CLEANUP(err_fini) = {0};
    json_t *reply CLEANUP(js_free) = js_parse(strbuf_view(&r->body), "reply", &ignored);
    const char *message = js_text(reply, "error.message");
    size_t path = strcspn(q->url, "?");
    if (*message == '\0')
        message = js_text(reply, "error_description");
    return FAIL(e, reply_rule(kind, r->status).code, "%s %.*s answered %d%s%s%.300s", q->method, (int)path,
                q->url, r->status, explain(r->status), *message != '\0' ? ": " : "", message);
}
